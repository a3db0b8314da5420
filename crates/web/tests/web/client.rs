//! A client without a socket: one request to the router, and its answer as text for snapshots.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use ohmstead_web::Settings;
use tower::ServiceExt;

use crate::fake::House;

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header, empty if absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status and the body, JSON over several lines.
    pub(crate) fn shown(&self) -> String {
        let body = match serde_json::from_str::<serde_json::Value>(&self.body) {
            Ok(json) => serde_json::to_string_pretty(&json).unwrap(),
            Err(_) => self.body.clone(),
        };
        format!("{}\n{body}\n", self.status)
    }

    /// The code of a refusal.
    pub(crate) fn code(&self) -> String {
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        for part in ["message", "hint"] {
            assert!(
                json["error"][part].as_str().is_some_and(|text| !text.is_empty()),
                "{part}: {}",
                self.body
            );
        }
        json["error"]["code"].as_str().unwrap().to_owned()
    }
}

/// The interface of `house` as it is without any setting.
pub(crate) fn open(house: &Arc<House>) -> Router {
    ohmstead_web::router(Arc::clone(house) as _, &Settings::default())
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
}

pub(crate) async fn get(house: &Arc<House>, path: &str) -> Answer {
    send(&open(house), request("GET", path, &[], "")).await
}

pub(crate) async fn post(house: &Arc<House>, path: &str, json: &str) -> Answer {
    send(&open(house), request("POST", path, &[("content-type", "application/json")], json)).await
}

pub(crate) async fn put(house: &Arc<House>, path: &str, json: &str) -> Answer {
    send(&open(house), request("PUT", path, &[("content-type", "application/json")], json)).await
}

/// A request as a browser on this machine sends it; `headers` add to that or replace.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
    for (name, value) in [("host", "localhost:8230")].iter().chain(headers) {
        let name: axum::http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}
