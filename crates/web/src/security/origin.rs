//! The `Origin` check: a page of another site can make a browser send commands here, with the session's cookie where the
//! browser is old, but the browser says which page it was.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};

use crate::error::ApiError;

/// Refuses a write that a page of another origin caused. Programs send no `Origin` and pass.
pub(crate) fn check(request: &Request, allowed: &[String]) -> Result<(), ApiError> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let headers = request.headers();
    let foreign = match headers.get(header::ORIGIN) {
        Some(origin) => !origin.to_str().is_ok_and(|origin| is_ours(origin, headers, allowed)),
        // No origin but a browser that says the request came from elsewhere.
        None => headers
            .get("sec-fetch-site")
            .is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none")),
    };
    if !foreign {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "foreign_origin",
        "a page of another origin may not send commands",
        "use the page of this server, or add the origin to web.allowed_origins",
    ))
}

fn is_ours(origin: &str, headers: &HeaderMap, allowed: &[String]) -> bool {
    let origin = origin.to_ascii_lowercase();
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_ascii_lowercase);
    allowed.contains(&origin) || (host.is_some() && host == asked.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use rstest::rstest;

    #[rstest]
    #[case("POST", &[], true)]
    #[case("POST", &[("origin", "http://localhost:8230")], true)]
    #[case("POST", &[("origin", "https://Home.example")], true)]
    #[case("POST", &[("origin", "http://localhost:8231")], false)]
    #[case("POST", &[("origin", "http://evil.example")], false)]
    #[case("POST", &[("origin", "null")], false)]
    #[case("DELETE", &[("origin", "localhost:8230")], false)]
    #[case("POST", &[("sec-fetch-site", "cross-site")], false)]
    #[case("POST", &[("sec-fetch-site", "same-site")], false)]
    #[case("POST", &[("sec-fetch-site", "same-origin")], true)]
    #[case("GET", &[("origin", "http://evil.example")], true)]
    fn only_our_own_pages_write(
        #[case] method: &str,
        #[case] headers: &[(&str, &str)],
        #[case] passes: bool,
    ) {
        let mut request = Request::builder().method(method).uri("/").header("host", "localhost:8230");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(check(&request, &["https://home.example".to_owned()]).is_ok(), passes);
    }
}
