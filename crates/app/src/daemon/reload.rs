//! What differs between the running configuration and a new one. Pure.

use ohmstead_config::Config;
use ohmstead_drivers::DeviceSettings;
use ohmstead_model::DeviceId;

/// What has to be done to get from one configuration to the other.
#[derive(Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each part that is restarted by itself")]
pub(super) struct Changes {
    /// Devices that are no longer configured.
    pub(super) gone: Vec<DeviceId>,
    /// Devices whose settings changed, and new ones, in the order of the file.
    pub(super) start: Vec<(DeviceId, DeviceSettings)>,
    /// The broker's settings changed, or what is announced there.
    pub(super) mqtt: bool,
    /// The web interface's settings changed.
    pub(super) web: bool,
    /// Where the history is sent on to changed.
    pub(super) sinks: bool,
    /// The port-8088 interfaces of GX devices changed.
    pub(super) dbus_apis: bool,
    /// The levels of the log changed.
    pub(super) levels: bool,
    /// Settings that are only read at the start, by their keys.
    pub(super) at_restart: Vec<&'static str>,
}

impl Changes {
    pub(super) fn between(old: &Config, new: &Config) -> Self {
        let settings_of = |config: &Config, id: &DeviceId| {
            config.devices.iter().find(|(other, _)| other == id).map(|(_, settings)| settings.clone())
        };
        let gone = old.devices.iter().filter(|(id, _)| settings_of(new, id).is_none());
        let start =
            new.devices.iter().filter(|(id, settings)| settings_of(old, id).as_ref() != Some(settings));
        let log_file = |config: &Config| (config.log.file.clone(), config.log.max_size, config.log.keep);
        let place = |config: &Config| (config.site.latitude, config.site.longitude);
        // `tempo` and `planner` are rules of control, which are always replaced.
        let at_restart = [
            ("tariffs", old.tariffs != new.tariffs),
            ("forecast", old.forecast != new.forecast),
            ("outlook", old.outlook != new.outlook),
            ("site.latitude, site.longitude", place(old) != place(new)),
            ("history", old.history != new.history),
            ("data_dir", old.data_dir != new.data_dir),
            ("log.file", log_file(old) != log_file(new)),
            ("site.name", old.site.name != new.site.name),
        ];
        Self {
            gone: gone.map(|(id, _)| id.clone()).collect(),
            start: start.cloned().collect(),
            // Its topics and entities carry the site's name, language and local time.
            mqtt: old.mqtt != new.mqtt || old.site != new.site,
            web: old.web != new.web,
            sinks: old.sinks != new.sinks,
            dbus_apis: old.dbus_apis() != new.dbus_apis(),
            levels: (old.log.level, &old.log.levels) != (new.log.level, &new.log.levels),
            at_restart: at_restart.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn config(yaml: &str) -> Config {
        let yaml = format!("site: {{ timezone: Europe/Paris }}\n{yaml}");
        ohmstead_config::parse(&yaml, "test.yaml", &|_| None).unwrap()
    }

    fn check(old: &str, new: &str, expected: &Expect) {
        let Changes { gone, start, mqtt, web, sinks, dbus_apis, levels, at_restart } =
            Changes::between(&config(old), &config(new));
        let start: Vec<_> = start.into_iter().map(|(id, _)| id.to_string()).collect();
        let gone: Vec<_> = gone.into_iter().map(|id| id.to_string()).collect();
        assert!(!dbus_apis, "no GX device serves anything here");
        assert_eq!(sinks, new.contains("sinks:"));
        let text = format!(
            "gone {} | start {} | mqtt {mqtt} | web {web} | levels {levels} | restart {}",
            gone.join(","),
            start.join(","),
            at_restart.join(",")
        );
        expected.assert_eq(&text);
    }

    const TWO: &str = "devices: { a: { marstek: { host: 192.0.2.1 } }, b: { marstek: { host: 192.0.2.2 } } }";

    #[test]
    fn nothing_changed() {
        check(TWO, TWO, &expect!["gone  | start  | mqtt false | web false | levels false | restart "]);
    }

    #[test]
    fn devices_come_go_and_change() {
        let new = "devices: { c: { marstek: { host: 192.0.2.3 } }, b: { marstek: { host: 192.0.2.9 } } }";
        check(TWO, new, &expect!["gone a | start c,b | mqtt false | web false | levels false | restart "]);
    }

    #[test]
    fn another_order_restarts_nothing() {
        let new = "devices: { b: { marstek: { host: 192.0.2.2 } }, a: { marstek: { host: 192.0.2.1 } } }";
        check(TWO, new, &expect!["gone  | start  | mqtt false | web false | levels false | restart "]);
    }

    #[test]
    fn services_follow_their_own_settings() {
        check(
            TWO,
            &format!("{TWO}\nmqtt: {{ host: broker }}"),
            &expect!["gone  | start  | mqtt true | web false | levels false | restart "],
        );
        check(
            TWO,
            &format!("{TWO}\nweb: {{ listen: \"127.0.0.1:9000\" }}"),
            &expect!["gone  | start  | mqtt false | web true | levels false | restart "],
        );
        check(
            TWO,
            &format!("{TWO}\nweb: off"),
            &expect!["gone  | start  | mqtt false | web true | levels false | restart "],
        );
        check(
            TWO,
            &format!("{TWO}\nsinks: {{ a: {{ postgresql: {{}} }} }}"),
            &expect!["gone  | start  | mqtt false | web false | levels false | restart "],
        );
        check(
            TWO,
            &format!("{TWO}\nlog: {{ level: debug }}"),
            &expect!["gone  | start  | mqtt false | web false | levels true | restart "],
        );
        check(
            TWO,
            &format!("{TWO}\nread_only: false"),
            &expect!["gone  | start  | mqtt false | web false | levels false | restart "],
        );
    }

    #[test]
    fn prices_and_forecasts_wait_for_a_restart_and_strategies_do_not() {
        let old = format!("{TWO}\ntariffs: {{ import: {{ tempo: {{}} }} }}");
        let strategies = "tempo: { batteries: [a], power: 800 W }\nplanner: { mode: act, devices: [b] }";
        check(
            &old,
            &format!("{old}\n{strategies}"),
            &expect!["gone  | start  | mqtt false | web false | levels false | restart "],
        );
        let sources =
            "tariffs: { import: { fixed: 0.25 } }\nforecast: { pv: { vrm: { site: 1, token_file: /t } } }";
        check(
            &old,
            &format!("{TWO}\n{sources}\noutlook: {{ offline: true }}"),
            &expect![
                "gone  | start  | mqtt false | web false | levels false | restart tariffs,forecast,outlook"
            ],
        );
    }

    #[test]
    fn what_needs_a_restart_is_named() {
        let new = format!("{TWO}\nhistory: {{ commit: 30 s }}\ndata_dir: /x\nlog: {{ file: /y }}");
        check(
            TWO,
            &new,
            &expect![
                "gone  | start  | mqtt false | web false | levels false | restart history,data_dir,log.file"
            ],
        );
    }
}
