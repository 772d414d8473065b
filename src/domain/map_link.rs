//! The link that opens a place on the phone's map, for where no page of Qiao's own does.

use url::form_urlencoded::byte_serialize;

use super::place::{Coordinates, Gcj02};

/// Tencent's URI API: without a key, and inside WeChat it opens Tencent's map, which WeChat's own is. It asks who
/// refers to it and takes any word.
const MARKER: &str = "https://apis.map.qq.com/uri/v1/marker?referer=qiao&marker=";

/// Shows a marker with a title and, below it, an address.
pub fn map_link(place: Coordinates<Gcj02>, title: &str, address: &str) -> String {
    // Its fields end at a semicolon.
    let [title, address] = [title, address].map(|text| text.replace(';', " "));
    let mut marker = format!(
        "coord:{:.6},{:.6};title:{}",
        place.latitude(),
        place.longitude(),
        title.trim()
    );
    if !address.trim().is_empty() {
        marker = format!("{marker};addr:{}", address.trim());
    }
    let encoded: String = byte_serialize(marker.as_bytes()).collect();
    // A plus sign that is not for a space is %2B by now.
    format!("{MARKER}{}", encoded.replace('+', "%20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_carries_place_title_and_address_whatever_they_hold() {
        let place = Coordinates::new(30.66, 104.063_333_33).unwrap();
        let link = map_link(place, "A+B; 店", "1 & 2");
        let url = url::Url::parse(&link).unwrap();
        let marker = url
            .query_pairs()
            .find(|(name, _)| name == "marker")
            .unwrap()
            .1;
        assert_eq!(
            marker,
            "coord:30.660000,104.063333;title:A+B  店;addr:1 & 2"
        );
        assert!(!link.contains('+') && !link.contains(' '), "{link}");
        assert!(!map_link(place, "A", " ").contains("addr"));
    }
}
