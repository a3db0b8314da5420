//! A Marstek battery's firmware as a state machine without I/O: a datagram in, delayed datagrams out.
//!
//! ```text
//! request  {"id":7,"method":"ES.GetMode","params":{"id":0}}
//! reply    {"id":7,"src":"VenusE-020000000001","result":{"id":0,"mode":"Auto",...}}    pretty-printed, see `wire`
//!      or  {"id":7,"src":...,"error":{"code":-32601,"message":"Method not found"[,"data":424]}}
//!
//!        reset                      too many requests -> LockedUp
//!   +-------------> [ Up ] -------> empty datagram    -> Frozen       (each only if its switch is on)
//!   +-- any of ------------         time              -> ApiOff, mode Manual, slots wiped
//! ```
//!
//! What differs between models stands in [`Profile`]; what a unit does wrong, in [`Switches`].

mod counters;
mod faults;
mod orders;
mod profile;
mod readings;
mod reply;
mod request;
mod results;
mod switches;
mod wire;
mod writes;

pub use counters::{Counters, Drop};
pub use profile::{Profile, UnknownProfile};
pub use readings::{Panel, Readings};
pub use switches::{
    Firmware, Garbage, Lockup, Mac, Malformed, ParamId, SWITCHES, Sometimes, Switch, SwitchError, Switches,
    WrongUnit,
};

use crate::house::{BatteryId, House, Mode, Quirks};
use fastrand::Rng;
use profile::Support;
use reply::Reply;
use request::{BadRequest, Request, RequestId};
use results::{Macs, ModeForm, View};
use std::{collections::VecDeque, net::SocketAddr};
use writes::to_delivery;

/// Requests remembered for the lock-up rule, and orders for the swallow rule.
const MEMORY_MAX: usize = 1_024;

/// How a unit presents itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The `device` string.
    pub device: String,
    /// The `ver` number as sent.
    pub ver: u32,
    /// 12 hexadecimal digits.
    pub ble_mac: String,
    /// 12 hexadecimal digits.
    pub wifi_mac: String,
    /// The network it is in.
    pub wifi_name: String,
    /// Wi-Fi signal, dBm.
    pub rssi_dbm: i32,
    /// The `src` of replies; `None` = `<device>-<ble_mac>`, as all real units have it.
    pub src: Option<String>,
}

/// A datagram to be sent later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Delay in the house's time, ms.
    pub after_ms: u64,
    /// The sender's address if it is not the device's own: a forgery.
    pub forged_from: Option<SocketAddr>,
    /// The receiver.
    pub to: SocketAddr,
    /// The payload.
    pub bytes: Vec<u8>,
}

/// How a datagram reached the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// Sent to its address.
    Unicast,
    /// Sent to all: only a search for devices is answered.
    Broadcast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    LockedUp,
    Frozen,
    ApiOff,
}

/// One battery's firmware.
#[derive(Debug, Clone)]
pub struct Device {
    /// How it presents itself.
    pub identity: Identity,
    /// What it does wrong. May be changed at any time.
    pub switches: Switches,
    /// Its address, told in the search answer and compared by the source-port rule.
    pub address: SocketAddr,
    /// Readings that take the place of the house's, for tests.
    pub pinned: Option<Readings>,
    profile: Profile,
    battery: BatteryId,
    counters: Counters,
    rng: Rng,
    state: State,
    up_since_ms: i64,
    last_answer_ms: Option<i64>,
    last_write_ms: Option<i64>,
    passive_since_ms: Option<i64>,
    panels_connected: bool,
    /// The reply to the request at hand gets lost.
    reply_doomed: bool,
    recent_ms: VecDeque<i64>,
    swallowed: VecDeque<(String, u64)>,
    /// Counters at the last factory reset, and while they stand still: given, drawn, panels, Wh.
    totals_base: [f64; 3],
    totals_frozen: Option<[f64; 3]>,
}

impl Device {
    /// A healthy unit of a profile, at an address, in front of a battery of the house.
    pub fn new(
        profile: Profile,
        address: SocketAddr,
        ble_mac: Mac,
        battery: BatteryId,
        seed: u64,
        now_ms: i64,
    ) -> Self {
        let wifi_mac = neighbour(&ble_mac);
        Self {
            identity: Identity {
                device: profile.device().to_owned(),
                ver: profile.ver(),
                ble_mac: ble_mac.0,
                wifi_mac,
                wifi_name: "MY_HOME".to_owned(),
                rssi_dbm: -59,
                src: None,
            },
            switches: Switches::default(),
            address,
            pinned: None,
            profile,
            battery,
            counters: Counters::default(),
            rng: Rng::with_seed(seed),
            state: State::Up,
            up_since_ms: now_ms,
            last_answer_ms: None,
            last_write_ms: None,
            passive_since_ms: None,
            panels_connected: false,
            reply_doomed: false,
            recent_ms: VecDeque::new(),
            swallowed: VecDeque::new(),
            totals_base: [0.0; 3],
            totals_frozen: None,
        }
    }

    /// What happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The battery behind it.
    pub fn battery(&self) -> BatteryId {
        self.battery
    }

    /// The profile in force: the one it was made with, or the one that `firmware=` set.
    pub fn profile(&self) -> Profile {
        match self.switches.firmware {
            Some(Firmware::Profile(profile)) => profile,
            _ => self.profile,
        }
    }

    /// Off and on again: the device answers as on its first day, its settings stay.
    pub fn reset(&mut self, now_ms: i64) {
        self.state = State::Up;
        self.up_since_ms = now_ms;
        self.last_answer_ms = None;
        self.recent_ms.clear();
    }

    /// What happens by itself as time passes. To be called after each step of the house.
    pub fn tick(&mut self, now_ms: i64, house: &mut House) {
        let battery = house.battery_mut(self.battery);
        self.panels_connected = battery.settings.pv_peak_w.is_some();
        battery.quirks = Quirks {
            manual_zero: self.switches.manual_zero,
            passive_end: self.switches.passive_end,
            spans_midnight: !self.switches.no_midnight_span,
        };
        let elapsed =
            |since_ms: i64, after_s: u64| now_ms.saturating_sub(since_ms) >= after_s.cast_signed() * 1_000;
        if let (Some(after_s), State::Up) = (self.switches.api_off_after_s, self.state)
            && elapsed(self.up_since_ms, after_s)
        {
            self.state = State::ApiOff;
            to_delivery(battery, Mode::Manual);
        }
        if let (Some(after_s), Some(since_ms)) = (self.switches.passive_exit_s, self.passive_since_ms)
            && elapsed(since_ms, after_s)
        {
            battery.passive = None;
            self.passive_since_ms = None;
        }
    }

    /// A datagram sent to the device's own address.
    pub fn receive(&mut self, now_ms: i64, from: SocketAddr, bytes: &[u8], house: &mut House) -> Vec<Answer> {
        self.receive_cast(now_ms, from, bytes, Cast::Unicast, house)
    }

    /// A datagram, unicast or broadcast.
    pub fn receive_cast(
        &mut self,
        now_ms: i64,
        from: SocketAddr,
        bytes: &[u8],
        cast: Cast,
        house: &mut House,
    ) -> Vec<Answer> {
        self.counters.datagrams += 1;
        self.tick(now_ms, house);
        let reply = self.admit(now_ms, from, bytes, cast).map(|request| match request {
            Ok(request) => {
                let reply = self.serve(now_ms, &request, house);
                (request.id, reply)
            }
            Err(bad) => self.complain(bad),
        });
        match reply.and_then(|(id, reply)| self.dispatch(now_ms, from, id, reply)) {
            Ok(answers) => answers,
            Err(reason) => {
                self.counters.drop(reason);
                Vec::new()
            }
        }
    }

    /// Everything that can keep a datagram from being obeyed.
    fn admit(
        &mut self,
        now_ms: i64,
        from: SocketAddr,
        bytes: &[u8],
        cast: Cast,
    ) -> Result<Result<Request, BadRequest>, Drop> {
        self.awake(now_ms)?;
        if bytes.is_empty() {
            if self.switches.freeze_on_empty {
                self.state = State::Frozen;
            }
            return Err(Drop::Empty);
        }
        check(bytes.len() <= request::REQUEST_BYTES_MAX, Drop::Oversized)?;
        let lost = self.happens(self.switches.loss_pct);
        // Half of what is lost is obeyed: its reply is lost.
        self.reply_doomed = lost && self.rng.bool();
        check(!lost || self.reply_doomed, Drop::RequestLost)?;
        check(!self.switches.same_port || from.port() == self.address.port(), Drop::SourcePort)?;
        let quiet_ms = self.switches.quiet_gap_ms.unwrap_or(0).cast_signed();
        let too_soon = self.last_answer_ms.is_some_and(|last_ms| now_ms < last_ms + quiet_ms);
        check(quiet_ms == 0 || !too_soon, Drop::QuietGap)?;
        let request = request::parse(bytes);
        if let Ok(request) = &request {
            self.listen(request, cast)?;
        } else {
            check(cast == Cast::Unicast, Drop::Broadcast)?;
        }
        Ok(request)
    }

    /// Whether the firmware runs at all; counts the request for the lock-up rule.
    fn awake(&mut self, now_ms: i64) -> Result<(), Drop> {
        check(!self.switches.refuse, Drop::Refused)?;
        check(!self.switches.mute, Drop::Mute)?;
        if let (Some(lockup), State::Up) = (self.switches.lockup, self.state) {
            let from_ms = now_ms - lockup.seconds.cast_signed() * 1_000;
            self.recent_ms.push_back(now_ms);
            while self.recent_ms.front().is_some_and(|at| *at <= from_ms) || self.recent_ms.len() > MEMORY_MAX
            {
                self.recent_ms.pop_front();
            }
            if self.recent_ms.len() > lockup.requests {
                self.state = State::LockedUp;
            }
        }
        match self.state {
            State::Up => Ok(()),
            State::LockedUp => Err(Drop::LockedUp),
            State::Frozen => Err(Drop::Frozen),
            State::ApiOff => Err(Drop::ApiOff),
        }
    }

    /// Whether the firmware has an ear for this request.
    fn listen(&mut self, request: &Request, cast: Cast) -> Result<(), Drop> {
        let method = request.method.as_str();
        let profile = self.profile();
        self.counters.request(method);
        if method == "Marstek.GetDevice" {
            let wanted =
                request.params.as_ref().and_then(|params| params.get("ble_mac")).and_then(|mac| mac.as_str());
            let ours = wanted.is_none_or(|mac| mac == "0" || mac.eq_ignore_ascii_case(&self.face().ble_mac));
            check(ours, Drop::Broadcast)?;
        } else {
            check(cast == Cast::Unicast, Drop::Broadcast)?;
        }
        let deaf = self.switches.silent.iter().any(|silent| silent == method)
            || METHODS.iter().any(|known| *known != method && known.eq_ignore_ascii_case(method))
            || profile.support(method, self.has_panels()) == Support::Silent;
        check(!deaf, Drop::SilentMethod)?;
        let text_id = matches!(request.id, RequestId::Text(_));
        let ignored = profile.ignores_text_ids() && matches!(method, "ES.GetMode" | "Bat.GetStatus");
        check(!(text_id && ignored), Drop::TextId)?;
        let instance = request.params.as_ref().map(instance);
        let heard = match (self.switches.param_id, instance) {
            (ParamId::Any, _) | (_, None) => true,
            _ if method == "Marstek.GetDevice" => true,
            (ParamId::Zero, Some(id)) => id == 0,
            (ParamId::One, Some(id)) => id == 1,
        };
        check(heard, Drop::ParamId)
    }

    /// The reply to a request that was heard.
    fn serve(&mut self, now_ms: i64, request: &Request, house: &mut House) -> Reply {
        if self.happens(self.switches.parse_error_pct) {
            return Reply::parse_error(self.profile());
        }
        let method = request.method.as_str();
        let profile = self.profile();
        if !METHODS.contains(&method) || profile.support(method, true) == Support::NotFound {
            return Reply::error(-32_601, "Method not found", profile.not_found_data());
        }
        let Some(params) = &request.params else {
            return Reply::error(-32_602, "Invalid params", None);
        };
        if orders::is_write(method) {
            return self.write(now_ms, method, params, house);
        }
        let readings = self.readings(house);
        let face = self.face();
        let view = View {
            profile,
            identity: &face,
            address: self.address,
            readings: &readings,
            instance: instance(params),
            padded_ip: self.switches.padded_ip || profile.pads_ip(),
            macs: if self.switches.no_macs { Macs::Left } else { Macs::Told },
            mode_form: if self.switches.integer_mode { ModeForm::Integer } else { ModeForm::Word },
        };
        view.result(method).map_or_else(|| Reply::error(-32_603, "Internal error", None), Reply::Result)
    }

    fn complain(&self, bad: BadRequest) -> (RequestId, Reply) {
        match bad {
            BadRequest::Parse => (RequestId::Number(0), Reply::parse_error(self.profile())),
            BadRequest::Invalid(id) => (id, Reply::error(-32_600, "Invalid request", None)),
        }
    }

    /// What the house and this unit's own faults let it see.
    fn readings(&mut self, house: &House) -> Readings {
        let mut now = self.pinned.clone().unwrap_or_else(|| Readings::of(house, self.battery));
        let base = self.totals_base;
        let live = [now.ac_out_wh - base[0], now.ac_in_wh - base[1], now.pv_wh - base[2]];
        let told = if self.switches.counter_freeze {
            *self.totals_frozen.get_or_insert(live)
        } else {
            self.totals_frozen = None;
            live
        };
        [now.ac_out_wh, now.ac_in_wh, now.pv_wh] = told;
        if self.switches.ct_lost {
            now.meter_connected = false;
            now.grid_w = [0.0; 3];
        }
        now
    }

    /// The identity with the switches' changes.
    fn face(&self) -> Identity {
        let mut face = self.identity.clone();
        match self.switches.firmware {
            Some(Firmware::Profile(profile)) => {
                profile.device().clone_into(&mut face.device);
                face.ver = profile.ver();
            }
            Some(Firmware::Ver(ver)) => face.ver = ver,
            None => {}
        }
        if let Some(mac) = &self.switches.ble_mac {
            face.ble_mac.clone_from(&mac.0);
            face.wifi_mac = neighbour(mac);
        }
        face
    }

    fn has_panels(&self) -> bool {
        self.pinned.as_ref().map_or(self.panels_connected, |pinned| pinned.has_panels)
    }

    fn happens(&mut self, pct: f64) -> bool {
        pct > 0.0 && self.rng.f64() * 100.0 < pct
    }
}

/// The methods that some firmware knows; others are not found, or not heard if only their case differs.
const METHODS: [&str; 15] = [
    "Marstek.GetDevice",
    "Wifi.GetStatus",
    "Wifi.SetConfig",
    "BLE.GetStatus",
    "Bat.GetStatus",
    "PV.GetStatus",
    "ES.GetStatus",
    "ES.GetMode",
    "ES.SetMode",
    "EM.GetStatus",
    "DOD.SET",
    "Led.Ctrl",
    "Ble.Adv",
    "Set.Ver",
    "Reset.Factory",
];

/// A fault that stops a datagram, unless all is fine.
fn check(fine: bool, otherwise: Drop) -> Result<(), Drop> {
    if fine { Ok(()) } else { Err(otherwise) }
}

/// `params.id`, 0 if it is missing.
fn instance(params: &serde_json::Map<String, serde_json::Value>) -> i64 {
    request::whole(params, "id").unwrap_or(0)
}

/// The Wi-Fi MAC of a unit is the one after its BLE MAC.
fn neighbour(mac: &Mac) -> String {
    let number = u64::from_str_radix(&mac.0, 16).unwrap_or(0);
    format!("{:012x}", (number + 1) & 0xffff_ffff_ffff)
}
