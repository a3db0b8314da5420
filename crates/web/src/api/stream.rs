//! The live stream of readings (Server-Sent Events).
//!
//! A listener reads from a bounded channel. One that does not keep up loses updates and is told how many, with the event
//! `lagged`; it then asks for the present state. It never holds up anybody else.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use ohmstead_model::{DeviceId, Reading, Update};
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio_util::sync::CancellationToken;

use crate::error::{ApiError, ErrorBody};
use crate::server::Stop;
use crate::shape::{Device, V, Values, iso};
use crate::state::App;

/// Comments this often keep proxies from closing a quiet stream, and find out that a listener is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The first event.
#[derive(serde::Serialize)]
struct Hello {
    now: String,
    version: String,
}

/// New values of a device.
#[derive(serde::Serialize)]
struct ReadingJson {
    device: String,
    at: String,
    values: Values,
}

/// A device that is no longer configured.
#[derive(serde::Serialize)]
struct Removed {
    device: String,
}

/// Updates that this listener lost.
#[derive(serde::Serialize)]
struct Lagged {
    lost: u64,
}

/// Readings as they come in.
///
/// Events: `hello` `{"now", "version"}` first; `reading` `{"device", "at", "values": {metric: Value}}` with new values;
/// `device` with a `Device` without `values` when its information, its online state or its notices changed; `removed`
/// `{"device"}` when it is no longer configured; `lagged` `{"lost": n}` when this listener was too slow and lost `n`
/// updates: ask `/api/v1/devices` for the present state. A comment every 15 s keeps the connection.
#[utoipa::path(
    get, path = "/api/v1/stream", tag = "house",
    responses(
        (status = 200, description = "Server-Sent Events; the stream has no end.", body = String,
         content_type = "text/event-stream",
         example = "event: hello\ndata: {\"now\":\"2026-11-21T08:00:00.000Z\",\"version\":\"0.1.0\"}\n\n"),
        (status = 503, description = "Too many streams are open.", body = ErrorBody),
        (status = "default", description = "Refused; `error` says why.", body = ErrorBody),
    )
)]
pub(crate) async fn stream(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let place = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| {
        ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_streams",
            "too many live streams are open",
            "close some pages, or ask /api/v1/devices from time to time",
        )
        .retry_after(30)
    })?;
    let stop = request.extensions().get::<Stop>().map(|stop| stop.0.clone()).unwrap_or_default();
    let listener = Listener { updates: app.backend.subscribe(), app, stop, greeted: false, _place: place };
    let events =
        Sse::new(listener.events()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive"));
    // Nginx would otherwise collect events before it passes them on.
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], events).into_response())
}

struct Listener {
    app: App,
    updates: broadcast::Receiver<Update>,
    stop: CancellationToken,
    greeted: bool,
    /// Given back when the stream is dropped.
    _place: OwnedSemaphorePermit,
}

impl Listener {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut listener| async move {
            let event = listener.next().await?;
            Some((Ok(event), listener))
        })
    }

    /// The next event; `None` when the program stops.
    async fn next(&mut self) -> Option<Event> {
        if !self.greeted {
            self.greeted = true;
            return Some(self.hello());
        }
        loop {
            let update = tokio::select! {
                () = self.stop.cancelled() => return None,
                update = self.updates.recv() => update,
            };
            let event = match update {
                Ok(Update::Reading(reading)) => Some(self.reading(&reading)),
                Ok(Update::Device(id)) => self.device(&id),
                Ok(Update::Removed(id)) => Some(event("removed", &Removed { device: id.to_string() })),
                Err(broadcast::error::RecvError::Lagged(lost)) => Some(event("lagged", &Lagged { lost })),
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            if event.is_some() {
                return event;
            }
        }
    }

    fn hello(&self) -> Event {
        let backend = &self.app.backend;
        event("hello", &Hello { now: iso(backend.now().unix), version: backend.site().version })
    }

    fn reading(&self, reading: &Reading) -> Event {
        let now = self.app.backend.now();
        let value =
            |(metric, observation): &(_, _)| (*metric, V::new(*metric, observation, Some(reading.at), now));
        let values = Values::new(reading.values.iter().map(value));
        event(
            "reading",
            &ReadingJson { device: reading.device.to_string(), at: iso(reading.at.unix), values },
        )
    }

    /// The device as it is now; `None` if it was removed since.
    fn device(&self, id: &DeviceId) -> Option<Event> {
        let snapshot = self.app.backend.snapshot();
        snapshot.device(id.as_str()).map(|state| event("device", &Device::without_values(state)))
    }
}

fn event(name: &str, data: &impl serde::Serialize) -> Event {
    Event::default().event(name).json_data(data).expect("names are strings and numbers are finite")
}
