//! One datagram in, read as the firmware reads it.

use serde_json::{Map, Value};

/// The module takes no more than this in one datagram.
pub(crate) const REQUEST_BYTES_MAX: usize = 1_460;

/// The id to echo. Numbers are kept in 16 bits: 65536 comes back as 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestId {
    Number(u16),
    Text(String),
}

/// A request that could be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) id: RequestId,
    pub(crate) method: String,
    /// Missing or no object: most methods answer -32602.
    pub(crate) params: Option<Map<String, Value>>,
}

/// Why a datagram is no request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BadRequest {
    /// Not JSON: -32700, id 0.
    Parse,
    /// JSON, but no request: -32600.
    Invalid(RequestId),
}

/// Reads a datagram.
pub(crate) fn parse(bytes: &[u8]) -> Result<Request, BadRequest> {
    let value: Value = serde_json::from_slice(bytes).map_err(|_| BadRequest::Parse)?;
    let Value::Object(mut fields) = value else { return Err(BadRequest::Invalid(RequestId::Number(0))) };
    let id = match fields.remove("id") {
        Some(Value::String(text)) => RequestId::Text(text),
        Some(Value::Number(number)) => RequestId::Number(wrap(&number)),
        _ => RequestId::Number(0),
    };
    let Some(Value::String(method)) = fields.remove("method") else { return Err(BadRequest::Invalid(id)) };
    let params = match fields.remove("params") {
        Some(Value::Object(params)) => Some(params),
        _ => None,
    };
    Ok(Request { id, method, params })
}

/// A number's low 16 bits.
fn wrap(number: &serde_json::Number) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float saturates, then the low 16 bits are wanted"
    )]
    let whole = number.as_i64().unwrap_or_else(|| number.as_f64().unwrap_or(0.0) as i64);
    u16::try_from(whole.rem_euclid(65_536)).unwrap_or(0)
}

/// A number of the parameters; `true` counts as 1, as C does.
pub(crate) fn number(params: &Map<String, Value>, name: &str) -> Option<f64> {
    match params.get(name)? {
        Value::Number(number) => number.as_f64(),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => None,
    }
}

/// A whole number of the parameters.
pub(crate) fn whole(params: &Map<String, Value>, name: &str) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    number(params, name).filter(|value| value.fract() == 0.0 && value.abs() < 1e9).map(|value| value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("65535", 65_535)]
    #[case("65536", 0)]
    #[case("65537", 1)]
    #[case("-1", 65_535)]
    #[case("7.9", 7)]
    #[case("1e300", 65_535)]
    #[case("null", 0)]
    #[case("[]", 0)]
    fn ids_are_kept_in_sixteen_bits(#[case] id: &str, #[case] kept: u16) {
        let request = parse(format!(r#"{{"id":{id},"method":"M","params":{{}}}}"#).as_bytes()).unwrap();
        assert_eq!(request.id, RequestId::Number(kept));
    }

    #[rstest]
    #[case(b"", BadRequest::Parse)]
    #[case(b"{\"id\":1", BadRequest::Parse)]
    #[case(b"\xff\xfe", BadRequest::Parse)]
    #[case(b"[1]", BadRequest::Invalid(RequestId::Number(0)))]
    #[case(b"{\"id\":5}", BadRequest::Invalid(RequestId::Number(5)))]
    #[case(b"{\"id\":\"x\",\"method\":7}", BadRequest::Invalid(RequestId::Text("x".to_owned())))]
    fn what_is_no_request(#[case] bytes: &[u8], #[case] why: BadRequest) {
        assert_eq!(parse(bytes), Err(why));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
