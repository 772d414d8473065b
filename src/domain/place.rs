//! Places on earth in the two systems that matter in China, and the way from one to the other.
//!
//! Maps sold in China show every place some 500 metres beside where satellites see it: they speak GCJ-02,
//! satellites and browsers WGS-84. A place of one system is no place of the other, so each is a type of its own
//! ([`Coordinates`]). Outside a rectangle around China both are the same.

use std::marker::PhantomData;

/// Radius of the sphere on which distances are measured, metres: the mean of the earth's (IUGG).
const EARTH: f64 = 6_371_008.8;

/// Half the longer axis of the ellipsoid that GCJ-02 is computed on (Krasovsky 1940), metres.
const AXIS: f64 = 6_378_245.0;

/// The square of its eccentricity.
const ECCENTRICITY: f64 = 0.006_693_421_622_965_943;

/// Outside of it GCJ-02 is WGS-84: south, north, west, east.
const CHINA: (f64, f64, f64, f64) = (0.829_3, 55.827_1, 72.004, 137.834_7);

/// The inverse converges by a factor of some hundred each time; more than that is a place at the edge of
/// [`CHINA`] that no place is mapped to.
const MOST_ROUNDS: u32 = 10;

/// Degrees that are less than a tenth of a millimetre.
const CLOSE_ENOUGH: f64 = 1e-9;

/// Digits of a coordinate as it is sent; WeChat sends six after the point.
const MOST_CHARS: usize = 32;

/// What maps in China speak, and WeChat's messages, and `wx.openLocation`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gcj02 {}

/// What satellites and browsers speak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wgs84 {}

/// A place of one system: always finite and on the globe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coordinates<System> {
    /// Degrees north, −90 to 90.
    latitude: f64,
    /// Degrees east, −180 to 180.
    longitude: f64,
    system: PhantomData<System>,
}

/// Why two numbers are no place. It never repeats them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPlace {
    /// Empty, or no decimal number.
    #[error("a coordinate is not a decimal number of degrees")]
    Number,
    /// More than 90 degrees, and no longitude either way.
    #[error("the latitude is not between -90 and 90 degrees")]
    Latitude,
    /// More than 180 degrees.
    #[error("the longitude is not between -180 and 180 degrees")]
    Longitude,
    /// The other way round they are a place.
    #[error("latitude and longitude are swapped: the latitude comes first, -90 to 90 degrees")]
    Swapped,
}

/// The name of a system, for configuration and SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// [`Gcj02`]
    Gcj02,
    /// [`Wgs84`]
    Wgs84,
}

impl System {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Gcj02, Self::Wgs84];

    /// The word in SQL, in the configuration and in URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gcj02 => "gcj02",
            Self::Wgs84 => "wgs84",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.as_str() == word)
    }
}

/// One place in both systems, and the one in which it was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// For maps in China.
    pub gcj02: Coordinates<Gcj02>,
    /// For the rest of the world.
    pub wgs84: Coordinates<Wgs84>,
    /// What was given; the other is computed.
    pub given: System,
}

impl Place {
    /// Degrees of that system.
    pub fn new(system: System, latitude: f64, longitude: f64) -> Result<Self, NotAPlace> {
        Ok(match system {
            System::Gcj02 => {
                let gcj02 = Coordinates::<Gcj02>::new(latitude, longitude)?;
                Self {
                    gcj02,
                    wgs84: gcj02.to_wgs84(),
                    given: system,
                }
            }
            System::Wgs84 => {
                let wgs84 = Coordinates::<Wgs84>::new(latitude, longitude)?;
                Self {
                    gcj02: wgs84.to_gcj02(),
                    wgs84,
                    given: system,
                }
            }
        })
    }

    /// The same of texts: decimal numbers, nothing else.
    pub fn parse(system: System, latitude: &str, longitude: &str) -> Result<Self, NotAPlace> {
        let degrees = |text| decimal(text).ok_or(NotAPlace::Number);
        Self::new(system, degrees(latitude)?, degrees(longitude)?)
    }
}

/// Sign, digits, a point and digits. What else Rust reads as a number (`NaN`, `inf`, `1e400`) is none here.
pub fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (text.len() <= MOST_CHARS && plain(whole) && plain(fraction))
        .then(|| text.parse().ok())
        .flatten()
}

impl<System: Copy> Coordinates<System> {
    /// Degrees north and east.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, NotAPlace> {
        let is_latitude = |degrees: f64| (-90.0..=90.0).contains(&degrees);
        let is_longitude = |degrees: f64| (-180.0..=180.0).contains(&degrees);
        match (is_latitude(latitude), is_longitude(longitude)) {
            (true, true) => Ok(Self::on_globe(latitude, longitude)),
            (false, _) if is_longitude(latitude) && is_latitude(longitude) => {
                Err(NotAPlace::Swapped)
            }
            (false, _) => Err(NotAPlace::Latitude),
            (true, false) => Err(NotAPlace::Longitude),
        }
    }

    fn on_globe(latitude: f64, longitude: f64) -> Self {
        Self {
            latitude,
            longitude,
            system: PhantomData,
        }
    }

    /// Degrees north, −90 to 90.
    pub fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees east, −180 to 180.
    pub fn longitude(self) -> f64 {
        self.longitude
    }

    /// Metres along the surface (haversine on a sphere: right to 0.5 %).
    pub fn distance_to(&self, other: &Self) -> f64 {
        let [from, to] = [self.latitude, other.latitude].map(f64::to_radians);
        let half_sine = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
        let a = half_sine(self.latitude, other.latitude)
            + from.cos() * to.cos() * half_sine(self.longitude, other.longitude);
        // Rounding may lift it above 1 for opposite ends of the earth.
        2.0 * EARTH * a.sqrt().min(1.0).asin()
    }

    fn is_in_china(&self) -> bool {
        let (south, north, west, east) = CHINA;
        (south..=north).contains(&self.latitude) && (west..=east).contains(&self.longitude)
    }
}

impl Coordinates<Wgs84> {
    /// The same place as maps in China show it.
    pub fn to_gcj02(self) -> Coordinates<Gcj02> {
        let (north, east) = if self.is_in_china() {
            shift(self.latitude, self.longitude)
        } else {
            (0.0, 0.0)
        };
        Coordinates::on_globe(self.latitude + north, self.longitude + east)
    }
}

impl Coordinates<Gcj02> {
    /// The same place as satellites see it, to far below half a metre: GCJ-02 has no inverse formula, so it is
    /// gone back by the shift until the way forward ends here.
    pub fn to_wgs84(self) -> Coordinates<Wgs84> {
        let mut guess: Coordinates<Wgs84> = Coordinates::on_globe(self.latitude, self.longitude);
        if !self.is_in_china() {
            return guess;
        }
        for _ in 0..MOST_ROUNDS {
            let (north, east) = shift(guess.latitude, guess.longitude);
            let next = (self.latitude - north, self.longitude - east);
            let moved = (next.0 - guess.latitude).abs() + (next.1 - guess.longitude).abs();
            guess = Coordinates::on_globe(next.0, next.1);
            if moved < CLOSE_ENOUGH {
                break;
            }
        }
        guess
    }
}

/// Degrees by which GCJ-02 moves a place in China north and east. The formula became public as source code in
/// 2010 and is the same in every library (eviltransform, coordtransform).
fn shift(latitude: f64, longitude: f64) -> (f64, f64) {
    use std::f64::consts::PI;
    let (x, y) = (longitude - 105.0, latitude - 35.0);
    let wave = |length: f64, height: f64, at: f64| height * (at / length * PI).sin();
    let ripple = (wave(1.0 / 6.0, 20.0, x) + wave(0.5, 20.0, x)) * 2.0 / 3.0;
    let root = x.abs().sqrt();
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + ripple
        + (wave(1.0, 20.0, y) + wave(3.0, 40.0, y)) * 2.0 / 3.0
        + (wave(12.0, 160.0, y) + wave(30.0, 320.0, y)) * 2.0 / 3.0;
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + ripple
        + (wave(1.0, 20.0, x) + wave(3.0, 40.0, x)) * 2.0 / 3.0
        + (wave(12.0, 150.0, x) + wave(30.0, 300.0, x)) * 2.0 / 3.0;
    let radians = latitude.to_radians();
    let bulge = 1.0 - ECCENTRICITY * radians.sin().powi(2);
    let meridian = AXIS * (1.0 - ECCENTRICITY) / (bulge * bulge.sqrt());
    let parallel = AXIS / bulge.sqrt() * radians.cos();
    (
        (north / meridian).to_degrees(),
        (east / parallel).to_degrees(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wgs84(latitude: f64, longitude: f64) -> Coordinates<Wgs84> {
        Coordinates::new(latitude, longitude).unwrap()
    }

    fn gcj02(latitude: f64, longitude: f64) -> Coordinates<Gcj02> {
        Coordinates::new(latitude, longitude).unwrap()
    }

    /// (WGS-84, GCJ-02): the first three from the tests of googollee/eviltransform, the last from those of
    /// wandergis/coordtransform.
    const PUBLISHED: [([f64; 2], [f64; 2]); 4] = [
        (
            [31.177_427_6, 121.527_210_6],
            [31.175_303_983_645_97, 121.531_541_859_215],
        ),
        (
            [22.543_847, 113.912_316],
            [22.540_796_131_694_766, 113.917_176_480_836_3],
        ),
        (
            [39.911_954, 116.377_817],
            [39.913_345_455_360_69, 116.384_047_224_556_57],
        ),
        (
            [39.915, 116.404],
            [39.916_404_281_501_64, 116.410_244_499_169_38],
        ),
    ];

    #[test]
    fn published_pairs_are_met_both_ways() {
        for ([north, east], [gcj_north, gcj_east]) in PUBLISHED {
            let (here, shown) = (wgs84(north, east), gcj02(gcj_north, gcj_east));
            assert!((here.to_gcj02().latitude() - gcj_north).abs() < 1e-9);
            assert!((here.to_gcj02().longitude() - gcj_east).abs() < 1e-9);
            assert!(shown.to_wgs84().distance_to(&here) < 0.001);
        }
    }

    #[test]
    fn distances_are_those_of_the_earth() {
        // eviltransform's tests: Shanghai to Beijing, on a sphere as large as the equator.
        let shanghai = gcj02(31.175_303_983_645_97, 121.531_541_859_215);
        let beijing = gcj02(39.913_345_455_360_69, 116.384_047_224_556_57);
        let larger = 6_378_137.0 / EARTH;
        assert!((shanghai.distance_to(&beijing) * larger - 1_078_164.0).abs() < 1.0);
        let quarter = wgs84(0.0, 0.0).distance_to(&wgs84(90.0, 0.0));
        assert!((quarter - 10_007_557.0).abs() < 1.0, "{quarter}");
        let round_the_back = wgs84(0.0, 179.9).distance_to(&wgs84(0.0, -179.9));
        assert!((round_the_back - 22_239.0).abs() < 1.0, "{round_the_back}");
        assert!(wgs84(90.0, 0.0).distance_to(&wgs84(-90.0, 0.0)).is_finite());
    }

    #[test]
    fn what_is_no_place_is_refused_and_the_reason_is_told() {
        let refused =
            |latitude, longitude| Place::new(System::Gcj02, latitude, longitude).unwrap_err();
        assert_eq!(refused(95.0, 200.0), NotAPlace::Latitude);
        assert_eq!(refused(-90.000_001, 181.0), NotAPlace::Latitude);
        assert_eq!(refused(30.0, 180.000_001), NotAPlace::Longitude);
        assert_eq!(refused(116.404, 39.915), NotAPlace::Swapped);
        assert_eq!(refused(f64::NAN, 0.0), NotAPlace::Latitude);
        assert_eq!(refused(0.0, f64::NAN), NotAPlace::Longitude);
        assert_eq!(refused(f64::INFINITY, 0.0), NotAPlace::Latitude);
        for edge in [[90.0, 180.0], [-90.0, -180.0]] {
            assert!(Place::new(System::Wgs84, edge[0], edge[1]).is_ok());
        }
        for wrong in [
            "", " ", "NaN", "inf", "1e400", "1e1", "+1", "0x1", "1.", ".5", "1,5", "--1",
        ] {
            let read = Place::parse(System::Gcj02, wrong, "113.3");
            assert_eq!(read, Err(NotAPlace::Number), "{wrong}");
        }
        let endless = "1".repeat(400);
        assert_eq!(decimal(&endless), None);
        assert_eq!(decimal("-0.5"), Some(-0.5));
    }

    proptest! {
        #[test]
        fn there_and_back_ends_where_it_began(
            north in 1.0..55.5_f64, east in 72.5..137.3_f64,
        ) {
            let here = wgs84(north, east);
            let shown = here.to_gcj02();
            prop_assert!(shown.to_wgs84().distance_to(&here) < 0.001);
            let beside = wgs84(shown.latitude(), shown.longitude()).distance_to(&here);
            prop_assert!(beside < 1_500.0, "{} metres beside", beside);
        }

        #[test]
        fn outside_china_nothing_is_moved(
            north in -90.0..=90.0_f64, east in -180.0..=180.0_f64,
        ) {
            let (south, most_north, west, most_east) = CHINA;
            let inside = (south..=most_north).contains(&north) && (west..=most_east).contains(&east);
            prop_assume!(!inside);
            let there = Place::new(System::Wgs84, north, east).unwrap();
            prop_assert_eq!((there.gcj02.latitude(), there.gcj02.longitude()), (north, east));
            let back = gcj02(north, east).to_wgs84();
            prop_assert_eq!((back.latitude(), back.longitude()), (north, east));
        }

        /// Whoever measures between two places as maps show them errs by less than two metres in a hundred.
        #[test]
        fn a_distance_is_the_same_in_both_systems(
            north in 18.0..53.0_f64, east in 74.0..134.0_f64, far in 0.01..0.5_f64, turn in 0.0..std::f64::consts::TAU,
        ) {
            let (a, b) = (wgs84(north, east), wgs84(north + far * turn.sin(), east + far * turn.cos()));
            let (real, shown) = (a.distance_to(&b), a.to_gcj02().distance_to(&b.to_gcj02()));
            prop_assert!((real - shown).abs() < real * 0.02, "{} and {}", real, shown);
        }

        #[test]
        fn any_text_is_read_or_refused(latitude: String, longitude: String) {
            if let Ok(place) = Place::parse(System::Wgs84, &latitude, &longitude) {
                prop_assert!(place.gcj02.latitude().is_finite());
            }
        }
    }
}
