//! What is sent. Whatever of it is secret is known, so that no message can repeat it.

use reqwest::Url;

use crate::Secret;

/// One request. Its `Debug` form and its host are all that may be shown.
#[derive(Clone)]
pub struct Request {
    pub(super) url: Url,
    pub(super) headers: Vec<(&'static str, Secret)>,
    /// The body of a POST with its content type; a GET where absent.
    pub(super) body: Option<(&'static str, Secret)>,
    pub(super) secrets: Vec<Secret>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({})", self.host())
    }
}

impl Request {
    /// Reads `url`.
    pub(crate) fn get(url: Url) -> Self {
        Self { url, headers: Vec::new(), body: None, secrets: Vec::new() }
    }

    /// Sends `body` to `url`.
    pub(crate) fn post(url: Url, content_type: &'static str, body: String) -> Self {
        Self { body: Some((content_type, Secret::new(body))), ..Self::get(url) }
    }

    /// One more parameter; `+`, `:` and the like are escaped.
    pub(crate) fn query(mut self, key: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(key, value);
        self
    }

    /// One more parameter that nobody may see.
    pub(crate) fn secret_query(self, key: &str, value: &Secret) -> Self {
        self.query(key, value.expose()).hiding(value)
    }

    /// A header whose value is `prefix` and a secret.
    pub(crate) fn header(mut self, name: &'static str, prefix: &str, value: &Secret) -> Self {
        self.headers.push((name, Secret::new(format!("{prefix}{}", value.expose()))));
        self.hiding(value)
    }

    /// Basic authentication.
    pub(crate) fn basic(self, user: &str, password: &Secret) -> Self {
        let pair = base64(format!("{user}:{}", password.expose()).as_bytes());
        self.header("authorization", "Basic ", &Secret::new(pair)).hiding(password)
    }

    /// Keeps `secret` out of every message.
    pub(crate) fn hiding(mut self, secret: &Secret) -> Self {
        if !secret.expose().is_empty() {
            self.secrets.push(secret.clone());
        }
        self
    }

    /// Where it goes, without path and parameters.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The path and the parameters, for a stand-in of the internet. May hold a secret.
    pub fn path_and_query(&self) -> String {
        let query = self.url.query().map_or_else(String::new, |query| format!("?{query}"));
        format!("{}{query}", self.url.path())
    }

    /// What must not be repeated.
    pub(super) fn secrets(&self) -> &[Secret] {
        &self.secrets
    }
}

/// `text` without any of the secrets, in whatever form a server may repeat them.
pub(super) fn hide(text: &str, secrets: &[Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        for form in forms(secret.expose()) {
            // A shorter one is no secret, and hiding it would make the words unreadable.
            if form.len() >= 4 {
                text = text.replace(&form, "***");
            }
        }
    }
    text
}

/// Plain, and escaped as a parameter, as a part of a path, and in JSON.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), secret.replace('/', "\\/")];
    if let Ok(mut url) = Url::parse("http://x/") {
        url.query_pairs_mut().append_pair("k", secret);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(secret);
        }
        forms.extend(url.query().and_then(|query| query.strip_prefix("k=")).map(str::to_owned));
        forms.extend(url.path().strip_prefix('/').map(str::to_owned));
    }
    forms
}

/// Base 64 with padding, RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "")]
    #[case("f", "Zg==")]
    #[case("fo", "Zm8=")]
    #[case("foo", "Zm9v")]
    #[case("foobar", "Zm9vYmFy")]
    fn base_64_of_the_rfc(#[case] plain: &str, #[case] encoded: &str) {
        assert_eq!(base64(plain.as_bytes()), encoded);
    }

    #[test]
    fn a_plus_is_escaped_and_a_secret_is_hidden_in_every_form() {
        let url = Url::parse("http://a:81/x").unwrap();
        let secret = Secret::new("p+q/r s");
        let request = Request::get(url).query("d", "T00:00+01:00").secret_query("t", &secret);
        assert_eq!(request.path_and_query(), "/x?d=T00%3A00%2B01%3A00&t=p%2Bq%2Fr+s");
        let echo = "no t=p%2Bq%2Fr+s here, nor p+q/r s, /p+q%2Fr%20s, \"p+q\\/r s\"";
        assert_eq!(hide(echo, request.secrets()), "no t=*** here, nor ***, /***, \"***\"");
        assert_eq!(format!("{request:?}"), "Request(a:81)");
    }
}
