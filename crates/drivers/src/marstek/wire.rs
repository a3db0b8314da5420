//! Marstek's local API on the wire: one JSON object per UDP datagram, no session, no authentication.
//!
//! ```text
//! request   {"id":7,"method":"ES.GetMode","params":{"id":0}}                        compact, params mandatory
//! reply     {"id":7,"src":"VenusE 3.0-<12 hex>","result":{"id":0,"mode":"Auto",...}}   pretty-printed with tabs
//! refusal   {"id":7,"src":"...","error":{"code":-32601,"message":"Method not found","data":424}}
//! ```
//!
//! Ids are integers of 1..65535: string ids are ignored by some firmware, 65536 wraps to 0. A valid request sometimes
//! gets "Parse error" with id 0. Vendor document Rev 1.0 and 3.1; captures as cited in `docs/marstek.md`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A method of the local API that only reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Method {
    /// Model, firmware, MAC addresses.
    #[serde(rename = "Marstek.GetDevice")]
    GetDevice,
    /// Mode, state of charge, powers; with newer firmware the house's meter too.
    #[serde(rename = "ES.GetMode")]
    EsMode,
    /// Powers and energy counters.
    #[serde(rename = "ES.GetStatus")]
    EsStatus,
    /// The house's meter.
    #[serde(rename = "EM.GetStatus")]
    Em,
    /// Solar inputs.
    #[serde(rename = "PV.GetStatus")]
    Pv,
    /// Temperature, capacity, permissions of the battery.
    #[serde(rename = "Bat.GetStatus")]
    Bat,
    /// Network.
    #[serde(rename = "Wifi.GetStatus")]
    Wifi,
    /// Bluetooth.
    #[serde(rename = "BLE.GetStatus")]
    Ble,
}

impl Method {
    /// Every reading method, the identity first, and the panels between the two that tell the AC power.
    pub const ALL: [Self; 8] =
        [Self::GetDevice, Self::EsMode, Self::Pv, Self::EsStatus, Self::Em, Self::Bat, Self::Wifi, Self::Ble];

    /// Its name on the wire; case matters to the firmware.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GetDevice => "Marstek.GetDevice",
            Self::EsMode => "ES.GetMode",
            Self::EsStatus => "ES.GetStatus",
            Self::Em => "EM.GetStatus",
            Self::Pv => "PV.GetStatus",
            Self::Bat => "Bat.GetStatus",
            Self::Wifi => "Wifi.GetStatus",
            Self::Ble => "BLE.GetStatus",
        }
    }

    /// The method with this name on the wire.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text of a reading request. `instance` is `params.id`, which is 0 on most firmware and 1 on some.
pub(crate) fn read_request(id: u16, method: Method, instance: u8) -> String {
    let params = match method {
        Method::GetDevice => json!({"ble_mac": "0"}),
        _ => json!({"id": instance}),
    };
    json!({"id": id, "method": method.name(), "params": params}).to_string()
}

/// The text of an `ES.SetMode` request with the given `config` object.
pub(crate) fn set_mode_request(id: u16, config: &Value) -> String {
    json!({"id": id, "method": "ES.SetMode", "params": {"id": 0, "config": config}}).to_string()
}

/// A datagram that is a reply of the local API.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    /// The id of the request it answers; 0 with some parse errors.
    pub(crate) id: u64,
    /// Model and MAC of the sender, as it says.
    pub(crate) src: Option<String>,
    /// The result's fields, or the device's error.
    pub(crate) body: Result<Map<String, Value>, RpcError>,
}

/// An error of the device's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    pub(crate) message: String,
}

impl RpcError {
    /// "Parse error", sent now and then to a valid request.
    pub(crate) const PARSE: i64 = -32700;
    /// "Method not found".
    pub(crate) const METHOD_NOT_FOUND: i64 = -32601;
    /// "Invalid params".
    pub(crate) const INVALID_PARAMS: i64 = -32602;
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error {}: {}", self.code, self.message)
    }
}

/// A datagram that is no reply of the local API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatagramError {
    /// Nothing in it.
    #[error("the datagram is empty")]
    Empty,
    /// Larger than the module can send (its documented limit is 1460 bytes; we allow some more).
    #[error("the datagram has {0} bytes; the largest reply a unit sends is 1460, the largest accepted 8192")]
    TooLarge(usize),
    /// Not UTF-8.
    #[error("byte {0} is not UTF-8")]
    NotUtf8(usize),
    /// Not JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON, but without the parts of a reply.
    #[error("JSON, but no reply: {0}")]
    NotAReply(&'static str),
}

/// Larger datagrams are refused unread.
pub(crate) const REPLY_MAX: usize = 8192;

/// Reads one datagram.
pub(crate) fn parse_reply(bytes: &[u8]) -> Result<Reply, DatagramError> {
    let reply = parse_object(bytes)?;
    let id = reply.get("id").and_then(lenient_id).ok_or(DatagramError::NotAReply("it has no numeric id"))?;
    let src = reply.get("src").and_then(Value::as_str).map(str::to_owned);
    let body = match (reply.get("result"), reply.get("error")) {
        (Some(Value::Object(result)), _) => Ok(result.clone()),
        (None, Some(Value::Object(error))) => Err(RpcError {
            code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
            message: error.get("message").and_then(Value::as_str).map_or_else(no_message, short),
        }),
        _ => return Err(DatagramError::NotAReply("it has neither a result object nor an error object")),
    };
    Ok(Reply { id, src, body })
}

/// Reads one datagram as a JSON object.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, DatagramError> {
    if bytes.is_empty() {
        return Err(DatagramError::Empty);
    }
    if bytes.len() > REPLY_MAX {
        return Err(DatagramError::TooLarge(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| DatagramError::NotUtf8(error.valid_up_to()))?;
    // Some firmware ends the text with NUL bytes.
    match serde_json::from_str(text.trim_end_matches('\0')) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(DatagramError::NotAReply("it is not an object")),
        Err(error) => Err(DatagramError::NotJson(error.to_string())),
    }
}

fn no_message() -> String {
    "without a message".to_owned()
}

/// Words of a stranger: no longer than a line, on one line.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn lenient_id(id: &Value) -> Option<u64> {
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

/// The MAC at the end of `src` (`VenusE 3.0-0123456789ab`), lower case; `None` where there is none.
pub(crate) fn mac_of_src(src: &str) -> Option<String> {
    src.rsplit_once('-').and_then(|(_, mac)| normal_mac(mac))
}

/// The model in `src`, if it has the form of one.
pub(crate) fn model_of_src(src: &str) -> Option<&str> {
    let model = src.rsplit_once('-')?.0.trim();
    let sound = !model.is_empty() && model.chars().count() <= 64 && !model.contains(char::is_control);
    sound.then_some(model)
}

/// 12 hex digits in lower case, from a MAC with or without separators; `None` if it is none.
pub(crate) fn normal_mac(mac: &str) -> Option<String> {
    let digits: String = mac.chars().filter(|c| !matches!(c, ':' | '-' | ' ')).collect();
    let valid =
        digits.len() == 12 && digits.chars().all(|c| c.is_ascii_hexdigit()) && digits != "000000000000";
    valid.then(|| digits.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_are_compact_and_carry_params() {
        assert_eq!(read_request(7, Method::EsMode, 0), r#"{"id":7,"method":"ES.GetMode","params":{"id":0}}"#);
        assert_eq!(
            read_request(65535, Method::GetDevice, 1),
            r#"{"id":65535,"method":"Marstek.GetDevice","params":{"ble_mac":"0"}}"#
        );
        assert_eq!(
            set_mode_request(2, &json!({"mode":"Auto","auto_cfg":{"enable":1}})),
            r#"{"id":2,"method":"ES.SetMode","params":{"id":0,"config":{"mode":"Auto","auto_cfg":{"enable":1}}}}"#
        );
    }

    #[test]
    fn reads_a_pretty_printed_refusal() {
        let text = "{\n\t\"id\":\t0,\n\t\"src\":\t\"VenusE 3.0-020000000001\",\n\t\"error\":\t{\n\t\t\"code\":\t-32700,\n\t\t\"message\":\t\"Parse error\",\n\t\t\"data\":\t403\n\t}\n}";
        let reply = parse_reply(text.as_bytes()).expect("a reply");
        assert_eq!(reply.id, 0);
        assert_eq!(reply.body.expect_err("a refusal").to_string(), "error -32700: Parse error");
        assert_eq!(mac_of_src(&reply.src.expect("src")).as_deref(), Some("020000000001"));
    }

    #[test]
    fn refuses_what_is_no_reply_and_says_why() {
        for (bytes, why) in [
            (&b""[..], "the datagram is empty"),
            (&b"\xff\xfe"[..], "byte 0 is not UTF-8"),
            (b"{\"id\":1", "not JSON: EOF while parsing an object at line 1 column 7"),
            (b"[1]", "JSON, but no reply: it is not an object"),
            (b"{\"src\":\"x\",\"result\":{}}", "JSON, but no reply: it has no numeric id"),
            (
                b"{\"id\":1,\"result\":3}",
                "JSON, but no reply: it has neither a result object nor an error object",
            ),
        ] {
            assert_eq!(parse_reply(bytes).expect_err("no reply").to_string(), why);
        }
        assert_eq!(parse_reply(&[b' '; 9000]), Err(DatagramError::TooLarge(9000)));
    }

    #[test]
    fn macs_and_models_of_src() {
        for (src, mac, model) in [
            ("VenusE 3.0-0200000000AB", Some("0200000000ab"), Some("VenusE 3.0")),
            ("VNSEM-0-020000000001", Some("020000000001"), Some("VNSEM-0")),
            ("VenusC-mac", None, Some("VenusC")),
            ("device", None, None),
        ] {
            assert_eq!(mac_of_src(src).as_deref(), mac, "{src}");
            assert_eq!(model_of_src(src), model, "{src}");
        }
    }

    proptest! {
        #[test]
        fn no_datagram_can_crash_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = parse_reply(&bytes);
        }
    }
}
