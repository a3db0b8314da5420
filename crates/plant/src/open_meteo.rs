//! A stand-in for Open-Meteo: the weather above the simulated house, as a service foretells it.
//!
//! ```text
//! GET /...?latitude=43.1&longitude=5.9&tilt=30&azimuth=0&minutely_15=global_tilted_irradiance,temperature_2m&forecast_days=3
//! {"latitude": 43.1, "longitude": 5.9, "utc_offset_seconds": 0, "timezone": "GMT",
//!  "minutely_15_units": {"time": "unixtime", ..}, "minutely_15": {"time": [1733785200, ..], "global_tilted_irradiance": [..], ..}}
//! ```
//! Irradiance is the mean of the quarter of an hour before its stamp, in the plane that is asked for (azimuth 0 = south, + west). No
//! service knows a single cloud days before: what it tells of them is the mean of two hours.

use std::io;
use std::net::SocketAddr;

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::house::Panels;
use crate::house::sun::{clear_sky, irradiance_w_m2, position};
use crate::house::weather::{Sky, sky};
use crate::http::{self, Reply};
use crate::tempo::Now;

const DAY_MS: i64 = 86_400_000;
const QUARTER_MS: i64 = 900_000;
/// What is told of clouds is the mean of this long before and after, looked at so often.
const BLUR_MS: i64 = 3_600_000;
const BLUR_STEP_MS: usize = 300_000;

/// Serves the weather of the house with this seed on `listen` until told to stop. Returns the address.
pub async fn serve(
    listen: SocketAddr,
    seed: u64,
    now: Now,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> io::Result<SocketAddr> {
    let answer = move |target: &str| match Question::read(target) {
        Ok(question) => Reply::Good(question.answer(seed, now())),
        Err(reason) => Reply::Bad(json!({ "error": true, "reason": reason })),
    };
    http::serve(listen, answer, tasks, stop).await
}

/// What can be asked for, with its unit.
const VARIABLES: [(&str, &str); 4] = [
    ("global_tilted_irradiance", "W/m²"),
    ("temperature_2m", "°C"),
    ("wind_speed_10m", "m/s"),
    ("cloud_cover", "%"),
];

/// What is asked.
struct Question {
    latitude_deg: f64,
    longitude_deg: f64,
    panels: Panels,
    variables: Vec<(&'static str, &'static str)>,
    days: i64,
}

impl Question {
    /// Reads path and query; the reason why not in the service's manner.
    fn read(target: &str) -> Result<Self, String> {
        let (_, query) = target.split_once('?').unwrap_or_default();
        let of = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value.replace("%2C", ","))
        };
        let number = |name: &str, range: std::ops::RangeInclusive<f64>| {
            let value =
                of(name).ok_or_else(|| format!("Value of type 'Float' required for key '{name}'."))?;
            let value = value.parse().ok().filter(|value| range.contains(value));
            value.ok_or_else(|| format!("Parameter '{name}' must be in range of {range:?}."))
        };
        let optional = |name: &str, range, default: f64| {
            if of(name).is_some() { number(name, range) } else { Ok(default) }
        };
        let named = of("minutely_15").ok_or("Value of type 'String' required for key 'minutely_15'.")?;
        let variables = named.split(',').map(|name| {
            let known = VARIABLES.iter().find(|(known, _)| *known == name);
            known
                .copied()
                .ok_or_else(|| format!("Cannot initialize variable from invalid String value {name}."))
        });
        let days = of("forecast_days").map_or(Some(7), |text| text.parse().ok());
        let days = days.filter(|days| (1..=16).contains(days));
        let days = days.ok_or("Parameter 'forecast_days' must be in range of 1 to 16.")?;
        Ok(Self {
            latitude_deg: number("latitude", -90.0..=90.0)?,
            longitude_deg: number("longitude", -180.0..=180.0)?,
            panels: Panels {
                peak_w: 0.0,
                tilt_deg: optional("tilt", 0.0..=90.0, 0.0)?,
                azimuth_deg: optional("azimuth", -180.0..=180.0, 0.0)?,
            },
            variables: variables.collect::<Result<_, _>>()?,
            days,
        })
    }

    /// From the midnight before `now_ms` on, in GMT.
    fn answer(&self, seed: u64, now_ms: i64) -> Value {
        let start = now_ms.div_euclid(DAY_MS) * DAY_MS;
        let stamps: Vec<i64> =
            (0..self.days * (DAY_MS / QUARTER_MS)).map(|n| start + n * QUARTER_MS).collect();
        let seconds: Vec<i64> = stamps.iter().map(|at| at / 1_000).collect();
        let mut values = Map::from_iter([("time".to_owned(), json!(seconds))]);
        let mut units = Map::from_iter([("time".to_owned(), json!("unixtime"))]);
        for (name, unit) in &self.variables {
            let column: Vec<f64> = stamps.iter().map(|at| rounded(self.value(name, seed, *at))).collect();
            values.insert((*name).to_owned(), json!(column));
            units.insert((*name).to_owned(), json!(unit));
        }
        json!({
            "latitude": self.latitude_deg, "longitude": self.longitude_deg, "utc_offset_seconds": 0,
            "timezone": "GMT", "timezone_abbreviation": "GMT",
            "minutely_15_units": units, "minutely_15": values,
        })
    }

    fn value(&self, name: &str, seed: u64, at_ms: i64) -> f64 {
        match name {
            "global_tilted_irradiance" => {
                let middle = at_ms - QUARTER_MS / 2;
                let light = clear_sky(position(middle, self.latitude_deg, self.longitude_deg), self.panels);
                irradiance_w_m2(light, foretold(seed, middle))
            }
            "temperature_2m" => temperature_c(at_ms),
            "cloud_cover" => (1.0 - foretold(seed, at_ms).beam_through).clamp(0.0, 1.0) * 100.0,
            // A breeze; the house does not feel it.
            _ => 2.5,
        }
    }
}

/// The sky around a moment as far as anybody can foretell it.
fn foretold(seed: u64, at_ms: i64) -> Sky {
    let looks: Vec<Sky> =
        (at_ms - BLUR_MS..=at_ms + BLUR_MS).step_by(BLUR_STEP_MS).map(|at| sky(seed, at)).collect();
    let mean = |of: fn(&Sky) -> f64| looks.iter().map(of).sum::<f64>() / looks.len() as f64;
    Sky { beam_through: mean(|sky| sky.beam_through), diffuse_gain: mean(|sky| sky.diffuse_gain) }
}

/// 15 °C on average, 8 K with the seasons, 4 K with the hours: the south of France.
fn temperature_c(at_ms: i64) -> f64 {
    let days = at_ms as f64 / DAY_MS as f64;
    let year = ((days - 200.0) / 365.2425 * std::f64::consts::TAU).cos();
    let day = ((days.rem_euclid(1.0) - 0.62) * std::f64::consts::TAU).cos();
    15.0 + 8.0 * year + 4.0 * day
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::house::{House, Settings};

    /// 2025-06-15 00:00 UTC.
    const MIDNIGHT_MS: i64 = 1_749_945_600_000;
    const PLANE: &str = "/v1/forecast?latitude=43.1&longitude=5.9&tilt=30&azimuth=0&minutely_15=global_tilted_irradiance%2Ctemperature_2m%2Cwind_speed_10m%2Ccloud_cover&forecast_days=3&timezone=GMT&timeformat=unixtime";

    fn irradiance(seed: u64, target: &str) -> Vec<f64> {
        let answer = Question::read(target).unwrap().answer(seed, MIDNIGHT_MS + 1);
        let values = answer["minutely_15"]["global_tilted_irradiance"].as_array().unwrap();
        values.iter().map(|value| value.as_f64().unwrap()).collect()
    }

    /// What the roof of the house with the same seed really gives on a day is what was foretold, clouds and all.
    #[test]
    fn what_is_foretold_comes() {
        let mut energies = Vec::new();
        for seed in 1..=6 {
            let roof = Panels { peak_w: 1_000.0, tilt_deg: 30.0, azimuth_deg: 0.0 };
            let place = Settings { latitude_deg: 43.1, longitude_deg: 5.9, ..Settings::default() };
            let mut house = House::new(Settings { seed, start_unix_ms: MIDNIGHT_MS, roof, ..place }).unwrap();
            house.step(MIDNIGHT_MS + DAY_MS);
            let came_wh = house.truth().pv_wh;
            // The house loses 14 % on the way.
            let foretold_wh = irradiance(seed, PLANE)[..96].iter().sum::<f64>() / 4.0 * 0.86;
            assert!(
                (foretold_wh / came_wh - 1.0).abs() < 0.1,
                "seed {seed}: {foretold_wh} Wh, {came_wh} Wh came"
            );
            energies.push(came_wh);
        }
        let (least, most) =
            (energies.iter().copied().fold(f64::MAX, f64::min), energies.iter().copied().fold(0.0, f64::max));
        assert!(most > 1.5 * least, "days that differ: {energies:?}");
    }

    #[test]
    fn the_plane_counts_and_nights_are_dark() {
        let south = irradiance(1, PLANE);
        assert_eq!(south.len(), 3 * 96);
        assert!(south[0].abs() < f64::EPSILON && south.iter().copied().fold(0.0, f64::max) > 500.0);
        let east = irradiance(1, &PLANE.replace("tilt=30&azimuth=0", "tilt=60&azimuth=-90"));
        let morning = |of: &[f64]| of[20..36].iter().sum::<f64>();
        assert!(morning(&east) > morning(&south));
    }

    #[tokio::test]
    async fn it_is_asked_over_http_and_says_what_it_misses() {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let now: Now = Arc::new(|| MIDNIGHT_MS + 7 * 3_600_000);
        let listen = "127.0.0.1:0".parse().unwrap();
        let address = serve(listen, 1, now, &tasks, stop.clone()).await.unwrap();
        let (status, body) = http::asked(address, PLANE).await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        assert_eq!(body["minutely_15"]["time"][0], MIDNIGHT_MS / 1_000, "from midnight on");
        assert_eq!(body["minutely_15_units"]["global_tilted_irradiance"], "W/m²");
        let (status, body) = http::asked(address, "/v1/forecast?latitude=43.1&minutely_15=cloud_cover").await;
        assert_eq!(status, "HTTP/1.1 400 Bad Request");
        assert_eq!(body["reason"], "Value of type 'Float' required for key 'longitude'.");
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }
}
