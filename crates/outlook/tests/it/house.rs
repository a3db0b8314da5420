//! A house whose outlook runs as it does in the program.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use ohmstead_model::{Clock, UnixMillis};
use ohmstead_outlook::http::{Internet, Wire};
use ohmstead_outlook::settings::{PriceSource, PvSource, Site, Sources, TempoPriceSource, TempoSource};
use ohmstead_outlook::{Links, Manual, Outlook, Settings, SourceStatus, run};
use serde::Deserialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clocks::Hand;

/// The settings as they may stand in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    offline: Option<bool>,
    #[serde(default)]
    prices: Sources<PriceSource>,
    #[serde(default)]
    tempo: Sources<TempoSource>,
    #[serde(default)]
    tempo_prices: Sources<TempoPriceSource>,
    #[serde(default)]
    pv: Sources<PvSource>,
}

pub(crate) fn settings(yaml: &str) -> Settings {
    let page: Page = serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}"));
    let zone = TimeZone::get("Europe/Paris").expect("it is compiled in");
    Settings {
        offline: page.offline.unwrap_or(false),
        site: Site { zone, latitude: Some(48.8), longitude: Some(2.3) },
        prices: page.prices,
        tempo: page.tempo,
        tempo_prices: page.tempo_prices,
        pv: page.pv,
    }
}

/// Secrets for every source that asks for one.
pub(crate) fn secrets(folder: &Path) -> PathBuf {
    let file = folder.join("secret");
    std::fs::write(&file, "TOP+SECRET/1\n").expect("written");
    file
}

pub(crate) struct House {
    pub(crate) outlook: watch::Receiver<Arc<Outlook>>,
    pub(crate) manual: watch::Sender<Manual>,
    stop: CancellationToken,
    tasks: TaskTracker,
    running: tokio::task::JoinHandle<()>,
}

impl House {
    pub(crate) fn start(
        settings: Settings,
        clock: Arc<dyn Clock>,
        wire: Arc<dyn Wire>,
        folder: &Path,
    ) -> Self {
        Self::keeping_if(Arc::new(|| true), settings, clock, wire, folder)
    }

    /// One whose data folder can be written while `may_keep` says so.
    pub(crate) fn keeping_if(
        may_keep: Arc<dyn Fn() -> bool + Send + Sync>,
        settings: Settings,
        clock: Arc<dyn Clock>,
        wire: Arc<dyn Wire>,
        folder: &Path,
    ) -> Self {
        let (sender, outlook) = watch::channel(Arc::default());
        let manual = watch::Sender::new(Manual::default());
        let links = Links {
            clock,
            wire,
            folder: Some(folder.join("outlook")),
            may_keep,
            manual: manual.subscribe(),
            outlook: sender,
            seed: 7,
        };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let running = tasks.spawn(run(settings, links, stop.clone()));
        Self { outlook, manual, stop, tasks, running }
    }

    pub(crate) fn on_sockets(yaml: &str, clock: &Arc<Hand>, folder: &Path) -> Self {
        let wire = Arc::new(Internet::new().expect("a client"));
        Self::start(settings(yaml), Arc::clone(clock) as Arc<dyn Clock>, wire, folder)
    }

    /// Moves the clock, second by second, until it is so. Real sockets need a moment of real time for each.
    pub(crate) async fn until(&mut self, clock: &Hand, is_so: impl Fn(&Outlook) -> bool) -> Arc<Outlook> {
        for _ in 0..2_000 {
            let now = Arc::clone(&self.outlook.borrow_and_update());
            if is_so(&now) {
                return now;
            }
            let moment = Duration::from_millis(20);
            if tokio::time::timeout(moment, self.outlook.changed()).await.is_err() {
                clock.advance(Duration::from_secs(1));
            }
        }
        panic!("it never was so: {:#?}", self.outlook.borrow().sources);
    }

    pub(crate) fn now(&self) -> Arc<Outlook> {
        Arc::clone(&self.outlook.borrow())
    }

    /// Ends as at a power cut: nobody gets to say a last word.
    pub(crate) async fn kill(self) {
        self.running.abort();
        let _ = self.running.await;
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Whether every source has been asked and has an outcome, and waits for its next turn.
pub(crate) fn all_have_tried(outlook: &Outlook) -> bool {
    let is_done = |status: &SourceStatus| {
        status.tried_at.is_some()
            && (status.trouble.is_some() || status.fetched_at.is_some())
            && status.next_try > status.tried_at
    };
    !outlook.sources.is_empty() && outlook.sources.values().all(is_done)
}

pub(crate) fn source<'o>(outlook: &'o Outlook, name: &str) -> &'o SourceStatus {
    outlook.sources.get(name).unwrap_or_else(|| panic!("{name} is not among {:?}", outlook.sources.keys()))
}

/// How long after its last try the next one is.
pub(crate) fn pause(status: &SourceStatus) -> Duration {
    let (tried, next) = (status.tried_at.expect("tried"), status.next_try.expect("to be tried"));
    ohmstead_model::TimeSpan::new(tried, next).length()
}

pub(crate) fn local(at: UnixMillis) -> String {
    let zone = TimeZone::get("Europe/Paris").expect("it is compiled in");
    let stamp = jiff::Timestamp::from_millisecond(at.0).expect("a stamp");
    stamp.to_zoned(zone).strftime("%d %H:%M").to_string()
}

/// All sources, each with an address of its own on one server.
pub(crate) fn everything(port: u16, secret: &Path) -> String {
    let at = format!("http://127.0.0.1:{port}");
    let secret = secret.display();
    format!(
        "prices:
  - energy_charts: {{ zone: FR, url: '{at}/energy_charts' }}
  - entsoe: {{ area: 10YFR-RTE------C, token_file: {secret}, url: '{at}/entsoe' }}
  - awattar: {{ country: de, url: '{at}/awattar' }}
  - nordpool: {{ area: FR, url: '{at}/nordpool' }}
  - octopus: {{ product: AGILE-24-10-01, region: c, url: '{at}' }}
  - tibber: {{ token_file: {secret}, url: '{at}/tibber' }}
tempo:
  - rte_site: {{ url: '{at}/rte_site' }}
  - api_couleur_tempo: {{ url: '{at}/couleur_tempo' }}
  - rte_api: {{ client_id: me, client_secret_file: {secret}, url: '{at}/rte_api', token_url: '{at}/rte_token' }}
tempo_prices: {{ data_gouv: {{ power_kva: 6, url: '{at}/data_gouv' }} }}
pv:
  - open_meteo: {{ planes: [{{ peak: 6 kWp, tilt: 30, azimuth: 0 }}, {{ peak: 2 kWp, tilt: 90, azimuth: -90 }}], url: '{at}/open_meteo' }}
  - forecast_solar: {{ planes: [{{ peak: 6.5 kWp, tilt: 30, azimuth: 0 }}], key_file: {secret}, url: '{at}/forecast_solar' }}
  - solcast: {{ sites: [abcd-1234], api_key_file: {secret}, url: '{at}/solcast' }}
  - vrm: {{ site: 4711, token_file: {secret}, url: '{at}/vrm' }}
"
    )
}
