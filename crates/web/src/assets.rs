//! The page and the API documentation: built files, embedded into the program.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

use crate::api::unknown_path;
use crate::error::ApiError;
use crate::hex::hex;

/// The built front end. In a debug build it is read from the folder, so that the page can be worked on.
#[derive(Embed)]
#[folder = "assets/"]
struct Assets;

/// The files whose name changes with their content: they may be kept for ever.
const HASHED: &str = "static/";

/// Serves an embedded file, or says that there is nothing at this path.
pub(crate) async fn serve(request: Request) -> Response {
    let Some((name, file)) = find(request.uri().path()) else {
        return unknown_path(request).await.into_response();
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let message = format!("{} is not possible here", request.method());
        let refusal = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "unknown_method", message, "use GET");
        return ([(header::ALLOW, "GET,HEAD")], refusal).into_response();
    }
    answer(&name, file, request.headers())
}

/// The file for a path: `/` and `/docs` have an index.
fn find(path: &str) -> Option<(String, EmbeddedFile)> {
    let name = match path.trim_start_matches('/') {
        "" => "index.html",
        "docs" | "docs/" => "docs/index.html",
        name => name,
    };
    Assets::get(name).map(|file| (name.to_owned(), file))
}

fn answer(name: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..16]));
    let headers = [
        (header::CONTENT_TYPE, content_type(name).to_owned()),
        (header::CACHE_CONTROL, caching(name).to_owned()),
        (header::ETAG, tag.clone()),
    ];
    let known = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    if known.is_some_and(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, Body::from(file.data.into_owned())).into_response()
}

fn caching(name: &str) -> &'static str {
    if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") | None => "text/plain; charset=utf-8",
        Some(_) => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("/")]
    #[case("/index.html")]
    #[case("/docs")]
    #[case("/docs/")]
    fn pages_are_found(#[case] path: &str) {
        let (name, file) = find(path).expect(path);
        assert_eq!(content_type(&name), "text/html; charset=utf-8");
        assert_eq!(
            caching(&name),
            "no-cache",
            "{name} names the hashed files, so it must always be asked for"
        );
        assert!(file.data.starts_with(b"<!doctype html>"));
    }

    /// In a debug build the library reads the folder; it looks at nothing outside of it.
    #[rstest]
    #[case("/../Cargo.toml")]
    #[case("/docs/../../Cargo.toml")]
    #[case("//etc/passwd")]
    #[case("/static/")]
    #[case("/static")]
    #[case("/.gitignore")]
    #[case("/..\\Cargo.toml")]
    fn nothing_outside_of_the_folder_is_found(#[case] path: &str) {
        assert!(find(path).is_none());
    }

    /// A file of a type that is not in the table would be offered as a download.
    #[test]
    fn every_embedded_file_has_a_content_type() {
        for name in Assets::iter() {
            assert_ne!(content_type(&name), "application/octet-stream", "{name}");
        }
    }

    #[rstest]
    #[case("static/index-DUprBauu.js", "public, max-age=31536000, immutable")]
    #[case("docs/init.js", "no-cache")]
    #[case("favicon.svg", "no-cache")]
    fn only_names_with_a_hash_are_kept(#[case] name: &str, #[case] policy: &str) {
        assert_eq!(caching(name), policy);
    }
}
