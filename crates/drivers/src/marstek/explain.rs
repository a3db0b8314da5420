//! One captured datagram, explained: what it is, and the canonical values in it.

use std::time::Duration;

use ohmstead_model::{Metric, Moment, Observation};
use serde_json::Value;

use super::decode::Interpreter;
use super::field::Fields;
use super::profile::{Family, Firmware, Profile};
use super::scale::Scales;
use super::wire::{self, DatagramError, Method};

/// What a datagram says.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// What it is, for people.
    pub what: String,
    /// The canonical values, each with what was observed.
    pub values: Vec<(Metric, Observation)>,
    /// Every field as it stands in the datagram.
    pub raw: Vec<(String, String)>,
}

/// Why a datagram could not be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// No reply and no request of the API.
    #[error(transparent)]
    Datagram(#[from] DatagramError),
    /// A reply in which the device refuses.
    #[error("the device answers with {0}")]
    Refusal(String),
}

/// Explains `bytes`. `method` is the method that was asked, where known; otherwise it is told from the fields.
/// `model` and `ver` sharpen the units, which differ by firmware; otherwise the model named in `src` is used.
pub fn explain(
    bytes: &[u8],
    method: Option<Method>,
    model: Option<&str>,
    ver: Option<f64>,
) -> Result<Explained, ExplainError> {
    let object = wire::parse_object(bytes)?;
    if let Some(request) = object.get("method").and_then(Value::as_str) {
        let raw = flatten(&object);
        return Ok(Explained { what: format!("a request: {request}"), values: Vec::new(), raw });
    }
    let reply = wire::parse_reply(bytes)?;
    let fields = reply.body.map_err(|error| ExplainError::Refusal(error.to_string()))?;
    let sender = reply.src.as_deref().unwrap_or("an unnamed unit").to_owned();
    let raw = flatten(&fields);
    let Some(method) = method.or_else(|| method_of(&fields)) else {
        return Ok(Explained {
            what: format!("a reply of {sender}, of unknown kind"),
            values: Vec::new(),
            raw,
        });
    };
    let model = model.or_else(|| reply.src.as_deref().and_then(wire::model_of_src)).unwrap_or_default();
    let mut interpreter = Interpreter::new(Scales::default(), None, Duration::ZERO);
    interpreter.profile = Profile { family: Family::of(model), firmware: ver.and_then(Firmware::from_ver) };
    let values = interpreter.read(method, &fields, Moment::default());
    Ok(Explained { what: format!("a reply of {sender} to {method}"), values, raw })
}

fn flatten(fields: &Fields) -> Vec<(String, String)> {
    fields
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

/// Each method has a field that no other has.
fn method_of(fields: &Fields) -> Option<Method> {
    const MARKS: [(&str, Method); 9] = [
        ("device", Method::GetDevice),
        ("mode", Method::EsMode),
        ("total_grid_output_energy", Method::EsStatus),
        ("bat_cap", Method::EsStatus),
        ("charg_flag", Method::Bat),
        ("pv1_power", Method::Pv),
        ("total_power", Method::Em),
        ("rssi", Method::Wifi),
        ("state", Method::Ble),
    ];
    MARKS
        .into_iter()
        .find(|(mark, _)| fields.contains_key(*mark))
        .map(|(_, method)| method)
        .or_else(|| fields.contains_key("pv_voltage").then_some(Method::Pv))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_requests_replies_refusals_and_rubbish_apart() {
        let request = explain(br#"{"id":1,"method":"ES.GetMode","params":{"id":0}}"#, None, None, None)
            .expect("a request");
        assert_eq!(request.what, "a request: ES.GetMode");
        let reply = explain(
            br#"{"id":1,"src":"VenusE-020000000001","result":{"id":0,"mode":"Auto","bat_soc":9}}"#,
            None,
            None,
            None,
        );
        assert_eq!(reply.expect("a reply").what, "a reply of VenusE-020000000001 to ES.GetMode");
        let refusal = explain(
            br#"{"id":1,"src":"x","error":{"code":-32601,"message":"Method not found","data":424}}"#,
            None,
            None,
            None,
        );
        assert_eq!(
            refusal.expect_err("a refusal").to_string(),
            "the device answers with error -32601: Method not found"
        );
        assert_eq!(
            explain(b"hello", None, None, None).expect_err("rubbish").to_string(),
            "not JSON: expected value at line 1 column 1"
        );
    }
}
