//! The windows of the program to the outside: MQTT, web, socket. Each can be restarted on its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ohmstead_config::Config;
use ohmstead_publish::{Links, Remembered};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::house::{House, VERSION};
use crate::records::Records as _;
use crate::socket;
use crate::store::Store;

/// The key of the list of what was announced to the broker.
const ANNOUNCED: &str = "mqtt/announced";

/// How long a service may take to say goodbye.
const END: Duration = Duration::from_millis(1500);

/// A service that runs.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// All services.
pub(super) struct Services {
    house: Arc<House>,
    tracker: TaskTracker,
    status: watch::Sender<ohmstead_publish::Status>,
    mqtt: Option<Running>,
    web: Option<Running>,
    dbus_apis: Vec<Running>,
    sinks: Vec<Running>,
    socket: Option<Running>,
}

impl Services {
    pub(super) fn new(
        house: Arc<House>,
        tracker: TaskTracker,
        status: watch::Sender<ohmstead_publish::Status>,
    ) -> Self {
        Self {
            house,
            tracker,
            status,
            mqtt: None,
            web: None,
            dbus_apis: Vec::new(),
            sinks: Vec::new(),
            socket: None,
        }
    }

    /// Starts the publisher if one is configured, in place of the one that runs.
    pub(super) async fn start_mqtt(&mut self, config: &Config) {
        end(self.mqtt.take()).await;
        let Some(settings) = config.mqtt.clone() else {
            self.status.send_replace(ohmstead_publish::Status::default());
            return;
        };
        let links = self.links(config);
        self.mqtt = Some(self.spawn(move |stop| async move {
            if let Err(error) = ohmstead_publish::run(settings, links, stop).await {
                tracing::error!(target: "mqtt", "MQTT is off: {:#}", anyhow::Error::from(error));
            }
        }));
    }

    /// Serves the web interface on a socket that was bound before, in place of the one that runs.
    pub(super) async fn start_web(&mut self, config: &Config, listener: Option<TcpListener>) {
        self.stop_web().await;
        let (Some(settings), Some(listener)) = (&config.web, listener) else { return };
        let backend = Arc::clone(&self.house) as Arc<dyn ohmstead_web::Backend>;
        let router = ohmstead_web::router(backend, settings);
        let address = listener.local_addr().unwrap_or(settings.listen);
        self.web = Some(self.spawn(move |stop| ohmstead_web::serve(listener, router, stop)));
        tracing::info!(target: "web", "the page is at http://{address}/");
    }

    /// Gives the port free.
    pub(super) async fn stop_web(&mut self) {
        end(self.web.take()).await;
    }

    /// Serves the port-8088 interfaces of GX devices, in place of those that are served. A port that cannot be had is
    /// no reason to do without the rest.
    pub(super) async fn start_dbus_apis(&mut self, config: &Config) {
        futures_util::future::join_all(self.dbus_apis.drain(..).map(|running| end(Some(running)))).await;
        for api in config.dbus_apis() {
            let (device, address) = (api.device.clone(), api.access.listen);
            match ohmstead_web::bind(&api.access).await {
                Err(error) => {
                    let error = error.to_string().replace("web.listen", "serve_dbus_api");
                    tracing::error!(target: "web", %device, "the port-8088 interface is off: {error}");
                }
                Ok(listener) => {
                    let backend = Arc::clone(&self.house) as Arc<dyn ohmstead_web::Backend>;
                    let router = ohmstead_web::dbus_api(backend, api);
                    let running = self.spawn(move |stop| ohmstead_web::serve(listener, router, stop));
                    self.dbus_apis.push(running);
                    tracing::info!(target: "web", %device, "the port-8088 interface is at http://{address}/");
                }
            }
        }
    }

    /// Starts what sends the history on, in place of what runs.
    pub(super) async fn start_sinks(&mut self, config: &Config) {
        futures_util::future::join_all(self.sinks.drain(..).map(|running| end(Some(running)))).await;
        let house = Arc::clone(&self.house);
        let mut watched = Vec::new();
        for (name, settings) in config.sinks.clone() {
            let (status, receiver) = watch::channel(ohmstead_sinks::Status::default());
            watched.push((name.clone(), receiver));
            let source = Arc::new(house.store.clone()) as _;
            let links = ohmstead_sinks::Links { source, clock: Arc::clone(&house.clock), status };
            let running = self.spawn(move |stop| ohmstead_sinks::run(name, settings, links, stop));
            self.sinks.push(running);
        }
        *house.sinks.write().unwrap_or_else(PoisonError::into_inner) = watched;
        let running = self.spawn(move |stop| super::sinks::tell_trouble(house, stop));
        self.sinks.push(running);
    }

    /// Serves the socket as soon as the data directory is there.
    pub(super) fn start_socket(&mut self) {
        let house = Arc::clone(&self.house);
        self.socket = Some(self.spawn(move |stop| async move {
            let mut trouble = house.store.trouble();
            while house.store.dir().is_none() {
                match stop.run_until_cancelled(trouble.changed()).await {
                    Some(Ok(())) => {}
                    // A store that keeps nothing has no directory and never will.
                    Some(Err(_)) | None => return,
                }
            }
            if let Some(dir) = house.store.dir() {
                socket::serve(dir, Arc::clone(&house), stop).await;
            }
        }));
    }

    /// Ends all services, together.
    pub(super) async fn stop(&mut self) {
        let running = [self.mqtt.take(), self.web.take(), self.socket.take()].into_iter();
        let more = self.dbus_apis.drain(..).chain(self.sinks.drain(..)).map(Some);
        let running = running.chain(more).collect::<Vec<_>>();
        futures_util::future::join_all(running.into_iter().map(end)).await;
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        run: impl FnOnce(CancellationToken) -> F,
    ) -> Running {
        let stop = CancellationToken::new();
        Running { task: self.tracker.spawn(run(stop.clone())), stop }
    }

    fn links(&self, config: &Config) -> Links {
        let house = &self.house;
        Links {
            snapshot: house.hub.watch(),
            commands: Arc::clone(&house.commander) as _,
            switches: house.commander.watch_switches(),
            limits: house.commander.watch_limits(),
            clock: Arc::clone(&house.clock),
            site_slug: slug(&config.site.name),
            language: config.site.languages.first().map_or("en", |language| language.code()).to_owned(),
            time_zone: config.site.timezone.clone(),
            version: VERSION,
            remembered: Arc::new(Announced::new(house.store.clone(), self.tracker.clone())),
            status: self.status.clone(),
        }
    }
}

async fn end(running: Option<Running>) {
    let Some(Running { stop, mut task }) = running else { return };
    stop.cancel();
    // Goodbyes go over a network: this is real time.
    if tokio::time::timeout(END, &mut task).await.is_err() {
        task.abort();
        let _ = task.await;
    }
}

/// What was announced to the broker, in the store.
struct Announced {
    store: Store,
    tracker: TaskTracker,
    text: Mutex<Option<String>>,
}

impl Announced {
    fn new(store: Store, tracker: TaskTracker) -> Self {
        let text = Mutex::new(store.state_now(ANNOUNCED));
        Self { store, tracker, text }
    }
}

impl Remembered for Announced {
    fn load(&self) -> Option<String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn save(&self, text: &str) {
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_owned());
        let (store, text) = (self.store.clone(), text.to_owned());
        self.tracker.spawn(async move {
            if let Err(error) = store.put_state(ANNOUNCED.to_owned(), text).await {
                tracing::debug!(%error, "what was announced to the broker could not be stored");
            }
        });
    }
}

/// The site's name as a part of topics and ids: `Maison d'été` -> `maison_d_t`; `home` where nothing is left.
fn slug(name: &str) -> String {
    let words = name.to_lowercase();
    let words = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("_");
    let slug = slug.get(..slug.len().min(32)).unwrap_or_default().trim_end_matches('_');
    if slug.is_empty() { "home".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_slugs() {
        for (name, expected) in [
            ("Home", "home"),
            ("Maison d'été", "maison_d_t"),
            ("  2 Rue de la Paix ", "2_rue_de_la_paix"),
            ("家", "home"),
            ("", "home"),
        ] {
            assert_eq!(slug(name), expected);
        }
        assert!(slug(&"long name ".repeat(20)).len() <= 32);
    }
}
