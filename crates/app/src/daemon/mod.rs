//! `run`: everything together, from the first reading to the last goodbye.
//!
//! ```text
//! lock + store --> hub --> devices announced --> web port --> MQTT, web, socket --> ready
//! SIGHUP: read the configuration again; a wrong one changes nothing
//! SIGTERM: devices end (attempts are judged, what drivers learned is kept) --> services say goodbye --> hub --> last commit
//! ```
//!
//! Devices, broker and disk may be absent at the start and at any time later. A taken port or data directory is an error,
//! for two instances on one of them would fight.

mod devices;
mod planning;
mod reload;
mod services;
mod signals;
mod sinks;
mod systemd;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_config::Config;
use ohmstead_drivers::DeviceSettings;
use ohmstead_model::{Clock, DeviceId, Notice, Severity};
use ohmstead_web::BindError;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control::{self, Control};
use crate::data_dir::{DataDirError, Holder};
use crate::failure::{Code, Failure};
use crate::house::{House, Parts, VERSION};
use crate::hub::Hub;
use crate::logs::{LevelControl, Levels};
use crate::store::{HistoryConfig, Store};
use devices::Devices;
use reload::Changes;
use services::Services;
use signals::{Signal, Signals};

/// So long a start waits for a verb that has the data directory: one that reads or sets a device has long ended, and
/// `release` of a whole house with silent devices mostly.
const VERB_PATIENCE: Duration = Duration::from_secs(180);
/// How often it looks.
const VERB_LOOK: Duration = Duration::from_millis(250);
/// From the stop signal to the end, whatever still hangs.
const STOP_DEADLINE: Duration = Duration::from_secs(9);

/// What the daemon is made from.
pub(crate) struct Setup {
    /// What to run.
    pub(crate) config: Config,
    /// Where the configuration is read again from; without it a reload changes nothing.
    pub(crate) source: Option<PathBuf>,
    /// Where data go, or why there is no place for them.
    pub(crate) data_dir: Result<PathBuf, DataDirError>,
    /// The one clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The log's levels in force.
    pub(crate) levels: LevelControl,
    /// What the command line says about levels: it goes over any configuration.
    pub(crate) log: Option<String>,
}

/// Runs until a signal or `stop`.
pub(crate) async fn run(setup: Setup, stop: CancellationToken) -> Result<(), Failure> {
    // Before anything else: a signal during the start must not be lost.
    let mut signals = Signals::listen()?;
    check(&setup.config)?;
    let store = tokio::select! {
        store = open_store(&setup) => store?,
        () = next_stop(&mut signals) => return Ok(()),
        () = stop.cancelled() => return Ok(()),
    };
    let mut daemon = Daemon::start(setup, store).await?;
    systemd::ready();
    loop {
        let signal = tokio::select! {
            signal = signals.next() => signal,
            () = stop.cancelled() => Signal::Stop,
        };
        match signal {
            Signal::Stop => break,
            Signal::Reload => daemon.reload().await,
        }
    }
    systemd::stopping();
    tracing::info!("stopping");
    tokio::select! {
        () = daemon.stop() => tracing::info!("stopped"),
        () = next_stop(&mut signals) => tracing::warn!("stopped at once by a second signal"),
        () = tokio::time::sleep(STOP_DEADLINE) => tracing::error!("something did not end in time and is cut off"),
    }
    Ok(())
}

/// For a verb that runs until it is interrupted.
pub(crate) async fn until_told_to_stop() -> std::io::Result<()> {
    next_stop(&mut Signals::listen()?).await;
    Ok(())
}

async fn next_stop(signals: &mut Signals) {
    while signals.next().await != Signal::Stop {}
}

/// The running program.
struct Daemon {
    config: Config,
    source: Option<PathBuf>,
    levels: LevelControl,
    log: Option<String>,
    house: Arc<House>,
    devices: Devices,
    services: Services,
    hub: Tail,
    store: Tail,
    /// Stops what only accompanies the rest.
    stop: CancellationToken,
    tracker: TaskTracker,
}

/// A task that ends after everything that uses it.
struct Tail {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Tail {
    async fn end(&mut self) {
        self.stop.cancel();
        let _ = (&mut self.task).await;
    }
}

impl Daemon {
    async fn start(setup: Setup, store: Store) -> Result<Self, Failure> {
        let Setup { config, source, clock, levels, log, .. } = setup;
        let listener = bind(&config).await?;
        tracing::info!(
            version = VERSION,
            devices = config.devices.len(),
            read_only = config.read_only,
            "starting"
        );
        let tracker = TaskTracker::new();
        let (hub, hub_loop) = Hub::new(&config.site.name, Arc::clone(&clock), Arc::new(store.clone()));
        let hub_tail = tail(&tracker, |stop| hub_loop.run(stop));
        let store_tail = tail(&tracker, |stop| store.clone().run(Arc::clone(&clock), stop));
        let (status, mqtt) = watch::channel(ohmstead_publish::Status::default());
        let house = Arc::new(House::new(&config, Parts { clock, hub, store, mqtt }));
        let mut daemon = Self {
            devices: Devices::new(Arc::clone(&house), tracker.clone()),
            services: Services::new(Arc::clone(&house), tracker.clone(), status),
            config,
            source,
            levels,
            log,
            house,
            hub: hub_tail,
            store: store_tail,
            stop: CancellationToken::new(),
            tracker,
        };
        daemon.bring_up(listener).await;
        Ok(daemon)
    }

    /// Everything that talks. All devices are announced before the publisher starts: what it announced earlier and
    /// does not find now it takes back.
    async fn bring_up(&mut self, listener: Option<TcpListener>) {
        for (id, settings) in &self.config.devices {
            self.devices.start(id, settings).await;
        }
        self.house.hub.ping().await;
        self.start_control();
        planning::start(&self.house, &self.config, &self.tracker, &self.stop).await;
        self.services.start_mqtt(&self.config).await;
        self.services.start_web(&self.config, listener).await;
        self.services.start_dbus_apis(&self.config).await;
        self.services.start_socket();
        self.services.start_sinks(&self.config).await;
        let (hub, stop) = (self.house.hub.clone(), self.stop.clone());
        self.tracker.spawn(tell_store_trouble(hub.clone(), self.house.store.clone(), stop.clone()));
        if let Some(every) = systemd::watchdog_every() {
            self.tracker.spawn(feed_watchdog(hub, every, stop));
        }
    }

    /// Control looks at every device that is announced, and at those that come later.
    fn start_control(&self) {
        let house = &self.house;
        let parts = control::Parts {
            clock: Arc::clone(&house.clock),
            hub: house.hub.clone(),
            commander: Arc::clone(&house.commander),
            records: Arc::new(house.store.clone()),
            rules: house.rules(),
            ahead: house.ahead.for_control(),
        };
        let control = Control::new(parts).expect("control is started once");
        self.tracker.spawn(control.run(self.stop.clone()));
    }

    async fn reload(&mut self) {
        let Some(source) = &self.source else {
            tracing::warn!("there is no configuration file to read again");
            return;
        };
        systemd::reloading();
        let loaded = ohmstead_config::load(source, &|name| std::env::var(name).ok())
            .map_err(|error| Failure::of(Code::Config, error))
            .and_then(|config| check(&config).map(|()| config));
        match loaded {
            Ok(config) => self.change_to(config).await,
            Err(error) => tracing::error!("the configuration is wrong; the old one stays in force\n{error}"),
        }
        systemd::ready();
    }

    async fn change_to(&mut self, config: Config) {
        let changes = Changes::between(&self.config, &config);
        tracing::info!(
            devices = changes.gone.len() + changes.start.len(),
            mqtt = changes.mqtt,
            web = changes.web,
            sinks = changes.sinks,
            read_only = config.read_only,
            "the configuration was read again"
        );
        for key in &changes.at_restart {
            tracing::warn!(key, "a change of this key takes effect at the next start");
        }
        if changes.levels {
            self.levels.set(levels(&config, self.log.as_deref()));
        }
        let held_back = self.hold_back(&config).await;
        self.house.set_facts(&config);
        for id in &changes.gone {
            self.devices.remove(id).await;
        }
        for (id, settings) in &changes.start {
            self.devices.start(id, settings).await;
        }
        for (id, settings) in held_back.iter().filter_map(|id| Self::settings_of(id, &config)) {
            self.devices.start(id, settings).await;
        }
        self.house.hub.ping().await;
        if changes.mqtt {
            self.services.start_mqtt(&config).await;
        }
        if changes.web {
            self.change_web(&config).await;
        }
        if changes.sinks {
            self.services.start_sinks(&config).await;
        }
        if changes.dbus_apis {
            self.services.start_dbus_apis(&config).await;
        }
        self.config = config;
    }

    /// Before nothing may be written any more, what is ours is given back: those devices end now and start again.
    async fn hold_back(&mut self, config: &Config) -> Vec<DeviceId> {
        if self.config.read_only || !config.read_only {
            return Vec::new();
        }
        let follows =
            |(id, settings): &(DeviceId, DeviceSettings)| settings.read_only().is_none().then(|| id.clone());
        let held_back: Vec<_> = self.config.devices.iter().filter_map(follows).collect();
        for id in &held_back {
            self.devices.end(id).await;
        }
        held_back
    }

    fn settings_of<'a>(id: &DeviceId, config: &'a Config) -> Option<(&'a DeviceId, &'a DeviceSettings)> {
        config.devices.iter().find(|(known, _)| known == id).map(|(id, settings)| (id, settings))
    }

    /// The old port is given free first, for it may be the new one. A port that cannot be had is no reason to stop a
    /// running house: the page comes back where it was.
    async fn change_web(&mut self, config: &Config) {
        self.services.stop_web().await;
        match bind(config).await {
            Ok(listener) => self.services.start_web(config, listener).await,
            Err(error) => {
                tracing::error!(target: "web", "the page stays where it was: {error}");
                match bind(&self.config).await {
                    Ok(listener) => self.services.start_web(&self.config, listener).await,
                    Err(error) => tracing::error!(target: "web", "there is no page: {error}"),
                }
            }
        }
    }

    async fn stop(&mut self) {
        self.stop.cancel();
        self.devices.stop().await;
        self.services.stop().await;
        self.hub.end().await;
        self.store.end().await;
        self.tracker.close();
        self.tracker.wait().await;
    }
}

fn tail<F: Future<Output = ()> + Send + 'static>(
    tracker: &TaskTracker,
    run: impl FnOnce(CancellationToken) -> F,
) -> Tail {
    let stop = CancellationToken::new();
    Tail { task: tracker.spawn(run(stop.clone())), stop }
}

/// What the sections can only check against the machine.
pub(crate) fn check(config: &Config) -> Result<(), Failure> {
    if let Some(mqtt) = &config.mqtt {
        ohmstead_publish::check(mqtt).map_err(|error| Failure::of(Code::Config, error))?;
    }
    for (name, sink) in &config.sinks {
        ohmstead_sinks::check(name, sink).map_err(|error| Failure::of(Code::Config, error))?;
    }
    if let Some(web) = &config.web {
        ohmstead_web::check(web).map_err(|error| Failure::of(Code::Config, error))?;
    }
    Ok(())
}

/// The levels of a configuration with those of the command line over them.
pub(crate) fn levels(config: &Config, log: Option<&str>) -> Levels {
    let levels = Levels::of(&config.log);
    // The command line was checked when it was read.
    log.and_then(|log| levels.clone().with(log).ok()).unwrap_or(levels)
}

/// Opens the store. A verb that has the directory ends soon, and a start must not fail because somebody looked; another
/// daemon does not.
async fn open_store(setup: &Setup) -> Result<Store, Failure> {
    let Setup { config, data_dir, clock, .. } = setup;
    let dir = match data_dir {
        Ok(dir) => dir,
        Err(error) => return Ok(Store::nowhere(error.to_string())),
    };
    let until = clock.now().plus(VERB_PATIENCE);
    let mut has_told = false;
    loop {
        match Store::open(dir.clone(), HistoryConfig::of(Some(config)), Holder::Daemon) {
            Ok(store) => return Ok(store),
            Err(DataDirError::InUse { pid, holder: Holder::Verb, .. }) if clock.now().mono < until.mono => {
                if !has_told {
                    tracing::info!(pid, "the start waits for a verb that uses the data directory");
                    has_told = true;
                }
                clock.sleep(VERB_LOOK).await;
            }
            Err(error) => return Err(Failure::of(Code::InUse, error)),
        }
    }
}

async fn bind(config: &Config) -> Result<Option<TcpListener>, Failure> {
    let Some(settings) = &config.web else { return Ok(None) };
    let listener = ohmstead_web::bind(settings).await.map_err(|error| {
        let code = if matches!(error, BindError::InUse(..)) { Code::InUse } else { Code::Config };
        // The cause is in the words already.
        Failure::new(code, error)
    })?;
    Ok(Some(listener))
}

/// A store that does not work shows on the house, not only in the log.
async fn tell_store_trouble(hub: Hub, store: Store, stop: CancellationToken) {
    const CODE: &str = "store_trouble";
    let mut trouble = store.trouble();
    trouble.mark_changed();
    while let Some(Ok(())) = stop.run_until_cancelled(trouble.changed()).await {
        let notice = trouble.borrow_and_update().as_ref().map(|trouble| Notice {
            code: CODE,
            severity: Severity::Warning,
            text: format!("nothing is stored: {trouble}"),
            hint: "it is tried again by itself".to_owned(),
        });
        hub.notice(DeviceId::site(), CODE, notice).await;
    }
}

/// systemd hears from us only while the hub works.
async fn feed_watchdog(hub: Hub, every: Duration, stop: CancellationToken) {
    // systemd's time is real time, whatever the house's clock does.
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        if tokio::time::timeout(every, hub.ping()).await == Ok(true) {
            systemd::watchdog();
        }
    }
}

#[cfg(test)]
mod tests;
