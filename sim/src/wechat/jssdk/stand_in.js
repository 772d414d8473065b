// A stand-in for WeChat's JS-SDK, served by the simulator. It is as strict as the app where the reference
// says how strict that is, and offers only what Qiao's pages may use.
(function () {
  'use strict';
  const base = new URL(document.currentScript.src).origin;
  const waiting = { ready: [], error: [] };
  let allowed = null;
  let position = null;
  let refused = null;

  function tell(callbacks, told) {
    callbacks.splice(0).forEach((callback) => callback(told));
  }

  function config(options) {
    const asked = new URLSearchParams({
      appId: options.appId,
      timestamp: options.timestamp,
      nonceStr: options.nonceStr,
      signature: options.signature,
      url: location.href.split('#')[0],
    });
    fetch(`${base}/_control/jssdk?${asked}`)
      .then((answer) => answer.json())
      .then((told) => {
        if (told.errMsg === 'config:ok') {
          allowed = options.jsApiList || [];
          position = told.position;
          tell(waiting.ready);
        } else {
          refused = { errMsg: told.errMsg };
          tell(waiting.error, refused);
        }
      });
  }

  function ready(callback) {
    if (allowed) {
      setTimeout(callback);
    } else {
      waiting.ready.push(callback);
    }
  }

  function error(callback) {
    if (refused) {
      setTimeout(() => callback(refused));
    } else {
      waiting.error.push(callback);
    }
  }

  // Calls back as the app does: asynchronously, and `complete` last.
  function answer(name, options, outcome, more) {
    const told = Object.assign({ errMsg: `${name}:${outcome}` }, more);
    const way = outcome === 'ok' ? 'success' : outcome === 'cancel' ? 'cancel' : 'fail';
    setTimeout(() => {
      (options[way] || (() => {}))(told);
      (options.complete || (() => {}))(told);
    });
  }

  const may = (name) => allowed !== null && allowed.includes(name);

  function getLocation(options) {
    if (!may('getLocation')) {
      return answer('getLocation', options, 'permission denied');
    }
    const place = position[options.type === 'gcj02' ? 'gcj02' : 'wgs84'];
    if (!place) {
      return answer('getLocation', options, 'cancel');
    }
    return answer('getLocation', options, 'ok', Object.assign({ speed: 0, accuracy: 30 }, place));
  }

  function openLocation(options) {
    const right = typeof options.latitude === 'number' && typeof options.longitude === 'number'
      && Math.abs(options.latitude) <= 90 && Math.abs(options.longitude) <= 180;
    if (!may('openLocation') || !right) {
      return answer('openLocation', options, right ? 'permission denied' : 'fail');
    }
    const { latitude, longitude, name, address, scale } = options;
    const place = JSON.stringify({ latitude, longitude, name, address, scale });
    fetch(`${base}/_control/open_location`, { method: 'POST', mode: 'no-cors', body: place });
    show(options);
    return answer('openLocation', options, 'ok');
  }

  // WeChat's own map, as far as a demo needs it.
  function show({ name, address, latitude, longitude }) {
    const map = document.createElement('div');
    map.id = 'sim-map';
    map.setAttribute('role', 'dialog');
    map.setAttribute('aria-label', '微信地图');
    Object.assign(map.style, { position: 'fixed', inset: '0', zIndex: 9999, padding: '24px',
      background: '#e8f0e4', color: '#111', font: '16px/1.5 sans-serif' });
    const line = (text) => map.appendChild(document.createElement('p')).append(text);
    line(`📍 ${name || ''}`);
    line(address || '');
    line(`${latitude.toFixed(6)}, ${longitude.toFixed(6)} (GCJ-02)`);
    const back = map.appendChild(document.createElement('button'));
    back.append('返回');
    back.addEventListener('click', () => map.remove());
    document.body.append(map);
  }

  function checkJsApi(options) {
    const checkResult = {};
    (options.jsApiList || []).forEach((name) => {
      checkResult[name] = name in wx;
    });
    answer('checkJsApi', options, 'ok', { checkResult });
  }

  const wx = { config, ready, error, checkJsApi, getLocation, openLocation };
  window.wx = wx;
  window.jWeixin = wx;
})();
