//! What was known of prices at an instant of the past.

use std::collections::BTreeMap;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use ohmstead_model::{Price, TimeSpan, Timeline, UnixMillis};
use ohmstead_tariff::tempo::{Colours, Grid, known_at};
use ohmstead_tariff::{Known, Tariffs, prices};

use crate::civil;

/// From this time on the markets' prices of the next day are known.
const MARKET_PUBLISHES: Time = Time::constant(13, 0, 0, 0);

/// Days of market prices before an instant that guesses are made from.
const MARKET_DAYS: i64 = 15;

const DAY_MS: i64 = 86_400_000;

/// Knows what was known.
pub trait Foresight {
    /// The prices of `window` as they were known or guessed at `now`.
    fn prices(&self, now: UnixMillis, window: TimeSpan) -> Timeline<Price>;

    /// The colours of Tempo days that were known at `now`.
    fn colours(&self, now: UnixMillis) -> Colours {
        let _ = now;
        Colours::default()
    }
}

/// A contract, and what was published for it in the end. Of that is known: the colour of the next day from 10:30 on, market prices of
/// the next day from 13:00 on. Price grids count as known all the time: they are published weeks before.
#[derive(Debug, Clone)]
pub struct Published<'p> {
    /// The contract.
    pub tariffs: &'p Tariffs,
    /// All colours.
    pub colours: &'p Colours,
    /// Price grids of Tempo besides the built-in ones.
    pub grids: &'p [Grid],
    /// Market prices of imported energy, per kWh, all of them.
    pub import_spot_per_kwh: &'p Timeline<f64>,
    /// Market prices of exported energy, per kWh, all of them.
    pub export_spot_per_kwh: &'p Timeline<f64>,
    /// The zone of the site.
    pub zone: &'p TimeZone,
}

impl Published<'_> {
    /// The prices as they turned out.
    pub fn exact(&self, window: TimeSpan) -> Timeline<Price> {
        self.of(self.colours, self.import_spot_per_kwh, self.export_spot_per_kwh, window)
    }

    fn of(
        &self,
        colours: &Colours,
        import_spot_per_kwh: &Timeline<f64>,
        export_spot_per_kwh: &Timeline<f64>,
        window: TimeSpan,
    ) -> Timeline<Price> {
        let net_loads = &BTreeMap::new();
        let known = Known {
            colours,
            grids: self.grids,
            net_loads,
            taken_for_red: None,
            import_spot_per_kwh,
            export_spot_per_kwh,
        };
        prices(self.tariffs, known, window, self.zone)
    }

    /// The end of what the market has published at an instant: a midnight.
    fn market_until(&self, now: UnixMillis) -> Option<UnixMillis> {
        let wall = civil::on_wall(now, self.zone)?;
        let tomorrow = wall.date().tomorrow().ok()?;
        let end = if wall.time() < MARKET_PUBLISHES { tomorrow } else { tomorrow.tomorrow().ok()? };
        civil::instant(end.to_datetime(Time::midnight()), self.zone)
    }
}

impl Foresight for Published<'_> {
    fn prices(&self, now: UnixMillis, window: TimeSpan) -> Timeline<Price> {
        let Some(until) = self.market_until(now) else { return Timeline::default() };
        let held = TimeSpan::new(UnixMillis(now.0.saturating_sub(MARKET_DAYS * DAY_MS)), until);
        let known = |spot: &Timeline<f64>| spot.within(held);
        let (import, export) = (known(self.import_spot_per_kwh), known(self.export_spot_per_kwh));
        self.of(&self.colours(now), &import, &export, window)
    }

    fn colours(&self, now: UnixMillis) -> Colours {
        known_at(self.colours, now)
    }
}
