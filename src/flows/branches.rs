//! The nearest branches: for the map's page and for the answer to a location.

use url::Url;

use crate::config::{Branch, Map, Texts};
use crate::domain::map_link::map_link;
use crate::domain::place::{Coordinates, Gcj02};
use crate::domain::placeholder::render;
use crate::wechat::reply::Article;

/// Further branches below the nearest one: what a phone shows of an article without a tap.
const MORE: usize = 3;

/// A branch, and how far it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near<'a> {
    /// The branch.
    pub branch: &'a Branch,
    /// Metres, where a place is known from which to measure.
    pub metres: Option<f64>,
}

/// The branches whose name or address holds `name` (in any case; empty: all), the nearest first; without a place
/// from which to measure, in their own order.
pub fn nearest<'a>(
    branches: &'a [Branch],
    from: Option<Coordinates<Gcj02>>,
    name: &str,
) -> Vec<Near<'a>> {
    let name = name.trim().to_lowercase();
    let fits = |branch: &&Branch| {
        let has = |text: &str| text.to_lowercase().contains(&name);
        has(&branch.name) || has(&branch.address)
    };
    let near = |branch: &'a Branch| Near {
        branch,
        metres: from.map(|from| from.distance_to(&branch.place.gcj02)),
    };
    let mut found: Vec<Near<'_>> = branches.iter().filter(fits).map(near).collect();
    let metres = |near: &Near<'_>| near.metres.unwrap_or_default();
    found.sort_by(|a, b| metres(a).total_cmp(&metres(b)));
    found
}

/// The article that answers a location. `page`: the link that opens the map's page; without one, the nearest branch
/// is opened on Tencent's map. `None` when there is no branch.
pub fn article(
    map: &Map,
    from: Option<Coordinates<Gcj02>>,
    page: Option<&Url>,
    texts: &Texts,
) -> Option<Article> {
    let found = nearest(&map.branches, from, "");
    let (first, others) = found.split_first()?;
    let branch = first.branch;
    let (title, listed) = match first.metres {
        Some(metres) => {
            let values = [("name", branch.name.as_str()), ("distance", &far(metres))];
            (render(&texts.nearest_branch, &values), others)
        }
        None => (texts.branches.clone(), found.as_slice()),
    };
    let lines = listed.iter().take(MORE).map(line);
    Some(Article {
        title,
        description: lines.collect::<Vec<_>>().join("\n"),
        pic_url: String::new(),
        url: page.map_or_else(
            || map_link(branch.place.gcj02, &branch.name, &branch.address),
            Url::to_string,
        ),
    })
}

fn line(near: &Near<'_>) -> String {
    let name = &near.branch.name;
    match near.metres {
        Some(metres) => format!("{name} · {}", far(metres)),
        None => name.clone(),
    }
}

/// `850 m`, `1.2 km`, `37 km`: no more exact than a position is.
pub fn far(metres: f64) -> String {
    let tens = (metres / 10.0).round() * 10.0;
    if tens < 1_000.0 {
        format!("{tens:.0} m")
    } else if metres < 9_950.0 {
        format!("{:.1} km", metres / 1_000.0)
    } else {
        format!("{:.0} km", metres / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::{Place, System};
    use proptest::prelude::*;

    fn branch(name: &str, latitude: f64, longitude: f64) -> Branch {
        Branch {
            name: name.to_owned(),
            address: format!("{name} road 1"),
            phone: String::new(),
            place: Place::new(System::Gcj02, latitude, longitude).unwrap(),
        }
    }

    #[test]
    fn distances_read_as_people_say_them() {
        for (metres, told) in [
            (0.0, "0 m"),
            (846.0, "850 m"),
            (994.0, "990 m"),
            (996.0, "1.0 km"),
            (1_249.0, "1.2 km"),
            (9_949.0, "9.9 km"),
            (9_950.0, "10 km"),
            (37_400.0, "37 km"),
        ] {
            assert_eq!(far(metres), told);
        }
    }

    #[test]
    fn a_search_finds_names_and_addresses_in_any_case() {
        let branches = [branch("East", 30.0, 104.0), branch("West", 30.0, 103.0)];
        let names = |name| -> Vec<&str> {
            let found = nearest(&branches, None, name);
            found.iter().map(|near| near.branch.name.as_str()).collect()
        };
        assert_eq!(names(" eAST "), ["East"]);
        assert_eq!(names("road"), ["East", "West"]);
        assert_eq!(names(""), ["East", "West"]);
        assert_eq!(names("north"), [""; 0]);
    }

    proptest! {
        #[test]
        fn the_nearest_stands_first(
            places in prop::collection::vec((20.0..50.0_f64, 80.0..130.0_f64), 1..20),
            north in 20.0..50.0_f64, east in 80.0..130.0_f64,
        ) {
            let branches: Vec<Branch> = places.iter().map(|(n, e)| branch("b", *n, *e)).collect();
            let from = Coordinates::new(north, east).unwrap();
            let found = nearest(&branches, Some(from), "");
            prop_assert_eq!(found.len(), branches.len());
            prop_assert!(found.is_sorted_by_key(|near| near.metres));
        }
    }
}
