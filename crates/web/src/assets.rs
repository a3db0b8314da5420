//! The page and the API documentation: built files, embedded into the program as gzip (`build.rs`), and sent so.

use std::io::Read as _;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;

use crate::api::unknown_path;
use crate::error::ApiError;

/// A file of the built front end.
struct File {
    /// Its path below the root.
    name: &'static str,
    /// Changes with its content. Weak: it is the same for both encodings.
    tag: &'static str,
    /// The content as gzip.
    packed: &'static [u8],
}

/// Sorted by name.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The files whose name changes with their content: they may be kept for ever.
const HASHED: &str = "static/";

/// Serves an embedded file, or says that there is nothing at this path.
pub(crate) async fn serve(request: Request) -> Response {
    let Some(file) = find(request.uri().path()) else {
        return unknown_path(request).await.into_response();
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let message = format!("{} is not possible here", request.method());
        let refusal = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "unknown_method", message, "use GET");
        return ([(header::ALLOW, "GET,HEAD")], refusal).into_response();
    }
    answer(file, request.headers())
}

/// The file for a path: `/` and `/docs` have an index.
fn find(path: &str) -> Option<&'static File> {
    let name = match path.trim_start_matches('/') {
        "" => "index.html",
        "docs" | "docs/" => "docs/index.html",
        name => name,
    };
    FILES.binary_search_by(|file| file.name.cmp(name)).ok().map(|found| &FILES[found])
}

fn answer(file: &File, asked: &HeaderMap) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type(file.name)),
        (header::CACHE_CONTROL, caching(file.name)),
        (header::ETAG, file.tag),
        (header::VARY, "accept-encoding"),
    ];
    let known = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    if known.is_some_and(|tags| tags.split(',').any(|known| same_tag(known, file.tag))) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    if takes_gzip(asked) {
        let encoding = [(header::CONTENT_ENCODING, "gzip")];
        return (headers, encoding, Body::from(file.packed)).into_response();
    }
    (headers, Body::from(unpacked(file))).into_response()
}

fn same_tag(known: &str, tag: &str) -> bool {
    known.trim().trim_start_matches("W/") == tag.trim_start_matches("W/")
}

/// Whether the answer may be gzip: every browser says so, a plain `curl` does not.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let encodings =
        asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value: &HeaderValue| value.to_str().ok());
    encodings.flat_map(|encodings| encodings.split(',')).any(|encoding| {
        let (name, weight) = encoding.split_once(';').unwrap_or((encoding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
        matches!(name.trim(), "gzip" | "*") && !refused
    })
}

fn unpacked(file: &File) -> Vec<u8> {
    let mut content = Vec::new();
    GzDecoder::new(file.packed).read_to_end(&mut content).expect("it was packed when the program was built");
    content
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
        let file = find(path).expect(path);
        let name = file.name;
        assert_eq!(content_type(name), "text/html; charset=utf-8");
        assert_eq!(
            caching(name),
            "no-cache",
            "{name} names the hashed files, so it must always be asked for"
        );
        assert!(unpacked(file).starts_with(b"<!doctype html>"));
    }

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
        for file in FILES {
            assert_ne!(content_type(file.name), "application/octet-stream", "{}", file.name);
        }
    }

    /// The browser unpacks what it says it can; everybody else gets it plain; both may keep it by the same tag.
    #[rstest]
    #[case("gzip, deflate, br", true)]
    #[case("br;q=1.0, gzip;q=0.5", true)]
    #[case("*", true)]
    #[case("gzip;q=0", false)]
    #[case("identity", false)]
    #[case("", false)]
    fn gzip_goes_to_those_who_take_it(#[case] accepts: &'static str, #[case] packed: bool) {
        let file = find("/").expect("the page");
        let asked = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepts))]);
        let answer = answer(file, &asked);
        assert_eq!(answer.headers().contains_key(header::CONTENT_ENCODING), packed);
        let again = HeaderMap::from_iter([(header::IF_NONE_MATCH, answer.headers()[header::ETAG].clone())]);
        assert_eq!(super::answer(file, &again).status(), StatusCode::NOT_MODIFIED);
    }

    #[rstest]
    #[case("static/index-DUprBauu.js", "public, max-age=31536000, immutable")]
    #[case("docs/init.js", "no-cache")]
    #[case("favicon.svg", "no-cache")]
    fn only_names_with_a_hash_are_kept(#[case] name: &str, #[case] policy: &str) {
        assert_eq!(caching(name), policy);
    }
}
