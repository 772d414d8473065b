// The map's page: branches, nearest first. Where the follower is, WeChat's JS-SDK tells, or else the browser.
// It sends a position nowhere but to `../api/branches`, and keeps none.
(function () {
  'use strict';

  const CHINESE = {
    none: '没有找到门店。', failed: '暂时无法加载，请稍后重试。', locating: '正在获取您的位置…',
    unlocated: '无法获取您的位置。请在手机设置中允许定位，或按名称查找。', sorted: '已按距离排序。',
    open: '查看地图', call: '电话', here: '您的位置', zoomIn: '放大', zoomOut: '缩小',
  };
  const ENGLISH = {
    none: 'No branch was found.', failed: 'This does not work at the moment. Try again in a minute.',
    locating: 'Finding out where you are…', sorted: 'The nearest comes first.',
    unlocated: 'Your position is not known. Allow it in the settings of your phone, or search by name.',
    open: 'Open the map', call: 'Phone', here: 'You are here', zoomIn: 'Zoom in', zoomOut: 'Zoom out',
  };
  const say = document.documentElement.lang.startsWith('zh') ? CHINESE : ENGLISH;
  // What WeChat's app or a browser has not told by then it does not tell: they may wait for a person.
  const PATIENCE = 20000;
  // How long somebody who types may think between two letters.
  const PAUSE = 250;

  const told = document.getElementById('told');
  const list = document.getElementById('branches');
  const field = document.getElementById('name');
  const locate = document.getElementById('locate');
  const page = document.body.dataset;
  let from = null;
  let asked = 0;

  function element(name, text, className) {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) {
      made.className = className;
    }
    return made;
  }

  // As Qiao itself says distances (src/flows/branches.rs).
  function far(metres) {
    const tens = Math.round(metres / 10) * 10;
    if (tens < 1000) {
      return `${tens} m`;
    }
    return metres < 9950 ? `${(metres / 1000).toFixed(1)} km` : `${Math.round(metres / 1000)} km`;
  }

  async function get(path) {
    const answer = await fetch(path, { headers: { accept: 'application/json' } });
    const body = await answer.json().catch(() => ({}));
    if (answer.status === 401) {
      // The session has ended: opening the page again begins another.
      location.reload();
    }
    if (!answer.ok) {
      throw new Error(body.error || say.failed);
    }
    return body;
  }

  // Inside WeChat, and with a signature that it takes: `wx`. Anywhere else, and without, nothing.
  const sdk = (async () => {
    if (!/MicroMessenger/i.test(navigator.userAgent) || !page.jssdk) {
      return null;
    }
    const script = new Promise((resolve, reject) => {
      const made = document.createElement('script');
      made.src = page.jssdk;
      made.onload = resolve;
      made.onerror = reject;
      document.head.append(made);
    });
    const url = encodeURIComponent(location.href.split('#')[0]);
    const [signed] = await Promise.all([get(`../api/jssdk?url=${url}`), script]);
    return within(new Promise((resolve, reject) => {
      window.wx.error(reject);
      window.wx.ready(() => resolve(window.wx));
      window.wx.config(signed);
    }));
  })().catch(() => null);

  function within(promise) {
    const late = new Promise((_, reject) => {
      setTimeout(() => reject(new Error('late')), PATIENCE);
    });
    return Promise.race([promise, late]);
  }

  async function position() {
    const wx = await sdk;
    if (wx) {
      const place = await within(new Promise((success, fail) => {
        wx.getLocation({ type: 'gcj02', success, fail, cancel: fail });
      })).catch(() => null);
      if (place) {
        return { latitude: place.latitude, longitude: place.longitude, coordinates: 'gcj02' };
      }
    }
    const { coords } = await within(new Promise((success, fail) => {
      navigator.geolocation.getCurrentPosition(success, fail, { timeout: PATIENCE });
    }));
    return { latitude: coords.latitude, longitude: coords.longitude, coordinates: 'wgs84' };
  }

  async function openMap(event, branch) {
    const wx = window.wx && (await sdk);
    if (!wx) {
      location.assign(branch.link);
      return;
    }
    wx.openLocation({
      latitude: branch.latitude, longitude: branch.longitude, name: branch.name,
      address: branch.address, scale: 16, fail: () => location.assign(branch.link),
    });
  }

  function item(branch) {
    const made = document.createElement('li');
    made.append(element('h2', branch.name));
    if (branch.distance_m !== null) {
      made.append(element('p', far(branch.distance_m), 'far'));
    }
    if (branch.address) {
      made.append(element('p', branch.address));
    }
    if (branch.phone) {
      const phone = element('a', `${say.call} ${branch.phone}`, 'phone');
      phone.href = `tel:${branch.phone.replace(/[^0-9+]/g, '')}`;
      made.append(phone, document.createElement('br'));
    }
    const open = element('a', say.open, 'open');
    open.href = branch.link;
    open.setAttribute('aria-label', `${say.open}: ${branch.name}`);
    open.addEventListener('click', (event) => {
      event.preventDefault();
      openMap(event, branch);
    });
    made.append(open);
    return made;
  }

  // Only with tiles; then Leaflet is there.
  const tiled = page.tiles && window.L ? tileMap(window.L) : { show() {} };

  function tileMap(L) {
    const map = L.map('map', { zoomControl: false, preferCanvas: true });
    L.control.zoom({ zoomInTitle: say.zoomIn, zoomOutTitle: say.zoomOut }).addTo(map);
    map.attributionControl.setPrefix(false);
    const credit = element('span', page.credit).innerHTML;
    L.tileLayer(page.tiles, { maxZoom: 18, attribution: credit }).addTo(map);
    const markers = L.layerGroup().addTo(map);
    // As the tiles show places.
    const at = (both) => [both.latitude, both.longitude];
    const shown = (branch) => (page.tilesCoordinates === 'wgs84' ? at(branch.wgs84) : at(branch));
    return {
      show(branches, me) {
        markers.clearLayers();
        const points = branches.map((branch) => {
          const marker = L.circleMarker(shown(branch), { radius: 9, color: '#05603a', fillOpacity: 0.7 });
          marker.bindPopup(element('strong', branch.name)).addTo(markers);
          return shown(branch);
        });
        if (me) {
          const here = at(me[page.tilesCoordinates]);
          const marker = L.circleMarker(here, { radius: 8, color: '#0b57d0', fillOpacity: 0.9 });
          marker.bindPopup(element('strong', say.here)).addTo(markers);
          // Who is here wants to see the way, not the country.
          points.splice(1, points.length, here);
        }
        if (points.length > 0) {
          map.fitBounds(points, { padding: [24, 24], maxZoom: 16 });
        }
      },
    };
  }

  // An answer that was overtaken by a later question is not shown.
  async function show() {
    const turn = ++asked;
    const query = new URLSearchParams(Object.assign({ name: field.value }, from));
    try {
      const { branches, from: me } = await get(`../api/branches?${query}`);
      if (turn !== asked) {
        return;
      }
      list.replaceChildren(...branches.map(item));
      tiled.show(branches, me);
      told.textContent = branches.length === 0 ? say.none : me ? say.sorted : '';
    } catch (fault) {
      if (turn === asked) {
        told.textContent = fault.message;
      }
    }
  }

  let pause = null;
  field.addEventListener('input', () => {
    clearTimeout(pause);
    pause = setTimeout(show, PAUSE);
  });
  document.getElementById('search').addEventListener('submit', (event) => {
    event.preventDefault();
    show();
  });
  locate.addEventListener('click', async () => {
    locate.disabled = true;
    told.textContent = say.locating;
    try {
      from = await position();
      await show();
    } catch {
      told.textContent = say.unlocated;
    }
    locate.disabled = false;
  });
  show();
})();
