//! The `result` object of each reading method: which fields, in which order, in which raw scale.

use super::{
    Identity, Profile, Readings,
    profile::Family,
    wire::{Fields, Json},
};
use crate::house::Mode;
use std::net::{IpAddr, SocketAddr};

/// The fields of the four panel inputs.
const PANEL_FIELDS: [[&str; 4]; 4] = [
    ["pv1_power", "pv1_voltage", "pv1_current", "pv1_state"],
    ["pv2_power", "pv2_voltage", "pv2_current", "pv2_state"],
    ["pv3_power", "pv3_voltage", "pv3_current", "pv3_state"],
    ["pv4_power", "pv4_voltage", "pv4_current", "pv4_state"],
];

/// What a result is made from.
pub(crate) struct View<'a> {
    pub(crate) profile: Profile,
    pub(crate) identity: &'a Identity,
    pub(crate) address: SocketAddr,
    pub(crate) readings: &'a Readings,
    /// `params.id`, echoed in the result.
    pub(crate) instance: i64,
    pub(crate) padded_ip: bool,
    pub(crate) macs: Macs,
    pub(crate) mode_form: ModeForm,
}

/// Whether the search answer tells the MAC addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Macs {
    Told,
    Left,
}

/// How the mode is spelt on read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModeForm {
    Word,
    Integer,
}

impl View<'_> {
    /// The result of a reading method, `None` for a method that is not one.
    pub(crate) fn result(&self, method: &str) -> Option<Fields> {
        let mut fields = match method {
            "Marstek.GetDevice" => return Some(self.device()),
            "Wifi.GetStatus" => self.wifi(),
            "BLE.GetStatus" => self.ble(),
            "Bat.GetStatus" => self.battery(),
            "PV.GetStatus" => self.panels(),
            "ES.GetStatus" => self.energy_system(),
            "ES.GetMode" => self.mode(),
            "EM.GetStatus" => self.meter(),
            _ => return None,
        };
        fields.insert(0, ("id", Json::Int(self.instance)));
        Some(fields)
    }

    fn device(&self) -> Fields {
        let mut fields = vec![
            ("device", Json::text(&self.identity.device)),
            ("ver", Json::Int(i64::from(self.identity.ver))),
        ];
        if self.macs == Macs::Told {
            fields.push(("ble_mac", Json::text(&self.identity.ble_mac)));
            fields.push(("wifi_mac", Json::text(&self.identity.wifi_mac)));
        }
        fields.push(("wifi_name", Json::text(&self.identity.wifi_name)));
        fields.push(("ip", Json::Text(self.ip())));
        fields
    }

    fn wifi(&self) -> Fields {
        let gateway = self.gateway();
        let mut fields = vec![
            ("ssid", Json::text(&self.identity.wifi_name)),
            ("rssi", Json::Int(i64::from(self.identity.rssi_dbm))),
            ("sta_ip", Json::text(self.address.ip().to_string())),
            ("sta_gate", Json::text(&gateway)),
            ("sta_mask", Json::text("255.255.255.0")),
            ("sta_dns", Json::text(&gateway)),
        ];
        if self.profile.has_wifi_mac() {
            fields.insert(0, ("wifi_mac", Json::text(&self.identity.wifi_mac)));
        }
        fields
    }

    fn ble(&self) -> Fields {
        vec![("state", Json::text("connect")), ("ble_mac", Json::text(&self.identity.ble_mac))]
    }

    fn battery(&self) -> Fields {
        let (now, scales) = (self.readings, self.profile.scales());
        let mut fields = vec![
            ("soc", soc(now.soc_pct)),
            ("charg_flag", Json::Bool(now.may_charge)),
            ("dischrg_flag", Json::Bool(now.may_discharge)),
            ("bat_temp", Json::tenths(now.temperature_c / scales.bat_temp)),
            ("bat_capacity", Json::tenths(now.stored_wh / scales.bat_capacity)),
            ("rated_capacity", Json::tenths(now.capacity_wh)),
        ];
        if self.profile.has_cell_fields() {
            // A pack of 16 LFP cells: 50 V empty, 54 V full; both values in hundredths.
            let voltage_v = 50.0 + 0.04 * now.soc_pct;
            fields.push(("bat_voltage", Json::int(voltage_v * 100.0)));
            fields.push(("bat_current", Json::int(now.bat_w / voltage_v * 100.0)));
            fields.push(("error_code", Json::Int(0)));
        }
        fields
    }

    /// The document has one panel value for all; real units have four channels and whole amperes.
    fn panels(&self) -> Fields {
        let panels = &self.readings.panels;
        if self.profile.family() == Family::Document {
            return vec![
                ("pv_power", Json::tenths(panels.iter().map(|p| p.power_w).sum())),
                ("pv_voltage", Json::tenths(panels[0].voltage_v)),
                ("pv_current", Json::tenths(panels.iter().map(|p| p.current_a).sum())),
            ];
        }
        let mut fields = Fields::with_capacity(16);
        for (index, (panel, names)) in panels.iter().zip(PANEL_FIELDS).enumerate() {
            let scale = if index == 0 { self.profile.scales().pv1_power } else { 1.0 };
            fields.push((names[0], Json::int(panel.power_w / scale)));
            fields.push((names[1], Json::int(panel.voltage_v)));
            fields.push((names[2], Json::int(panel.current_a.floor())));
            fields.push((names[3], Json::Int(i64::from(panel.power_w > 0.0))));
        }
        fields
    }

    fn energy_system(&self) -> Fields {
        let (now, scales) = (self.readings, self.profile.scales());
        // Real units say 0 here even while the sun shines; their panels are told by PV.GetStatus alone.
        let pv_w = match self.profile.family() {
            Family::Document => now.panels.iter().map(|p| p.power_w).sum(),
            _ => 0.0,
        };
        let mut fields = vec![
            ("bat_soc", soc(now.soc_pct)),
            ("bat_cap", Json::int(now.capacity_wh)),
            ("pv_power", Json::int(pv_w)),
            ("ongrid_power", Json::int(now.ongrid_w)),
            ("offgrid_power", Json::int(now.offgrid_w)),
        ];
        if self.profile.has_bat_power() {
            fields.push(("bat_power", Json::int(now.bat_w / scales.bat_power)));
        }
        if self.profile.has_all_counters() {
            fields.push((
                "total_pv_energy",
                Json::int(scales.pv_energy.map_or(0.0, |scale| now.pv_wh / scale)),
            ));
        }
        fields.push(("total_grid_output_energy", Json::int(now.ac_out_wh / scales.grid_energy)));
        fields.push(("total_grid_input_energy", Json::int(now.ac_in_wh / scales.grid_energy)));
        if self.profile.has_all_counters() {
            fields.push(("total_load_energy", Json::Int(0)));
        }
        fields
    }

    fn mode(&self) -> Fields {
        let now = self.readings;
        let mut fields = vec![
            ("mode", spell(now.mode, self.mode_form)),
            ("ongrid_power", Json::int(now.ongrid_w)),
            ("offgrid_power", Json::int(now.offgrid_w)),
            ("bat_soc", soc(now.soc_pct)),
        ];
        if self.profile.has_meter_fields() {
            fields.extend(self.meter());
            fields.retain(|(name, _)| *name != "parse_state");
        }
        fields
    }

    /// The house meter, import positive; its counters in tenths of a watt-hour.
    fn meter(&self) -> Fields {
        let now = self.readings;
        let [a, b, c] = now.grid_w;
        let mut fields = vec![
            ("ct_state", Json::Int(i64::from(now.meter_connected))),
            ("a_power", Json::int(a)),
            ("b_power", Json::int(b)),
            ("c_power", Json::int(c)),
            ("total_power", Json::int(a + b + c)),
        ];
        if self.profile.has_meter_fields() {
            fields.push(("input_energy", Json::int(now.import_wh * 10.0)));
            fields.push(("output_energy", Json::int(now.export_wh * 10.0)));
        }
        if self.profile.has_parse_state() {
            fields.push(("parse_state", Json::Int(1)));
        }
        fields
    }

    fn ip(&self) -> String {
        match self.address.ip() {
            IpAddr::V4(ip) if self.padded_ip => ip.octets().map(|octet| format!("{octet:02}")).join("."),
            ip => ip.to_string(),
        }
    }

    fn gateway(&self) -> String {
        match self.address.ip() {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                format!("{a}.{b}.{c}.1")
            }
            IpAddr::V6(_) => "0.0.0.0".to_owned(),
        }
    }
}

/// Whole percent, rounded down as a gauge that must not promise too much.
fn soc(soc_pct: f64) -> Json {
    Json::int((soc_pct + 1e-6).floor())
}

fn spell(mode: Mode, form: ModeForm) -> Json {
    let (number, word) = match mode {
        Mode::Auto => (0, "Auto"),
        Mode::Ai => (1, "AI"),
        Mode::Manual => (2, "Manual"),
        Mode::Passive => (3, "Passive"),
        Mode::Ups => (4, "UPS"),
    };
    match form {
        ModeForm::Word => Json::text(word),
        ModeForm::Integer => Json::Int(number),
    }
}
