//! The GX itself: platform, logger, and the processes that only have a name.

use super::{
    FIRMWARE, Identity, Plan,
    row::{PLAIN, Row, Start, flag, number_or_none, row},
};
use crate::venus::value::Kind;
use Start::{B, D, I, No, S, U};

pub(super) const PLANS: &[Plan] = &[
    plan(
        "platform",
        Identity::process("venus-platform", "v3.70"),
        &[FIRMWARES, DEVICE, NETWORK, NOTIFICATIONS],
    ),
    plan("logger", Identity::process("vrmlogger", "2.117"), &[LOGGER]),
    plan("fronius", Identity::process("dbus-fronius", "2.1.2"), &[FRONIUS]),
    plan("modbustcp", Identity::process("dbus-modbustcp", "1.0.93"), &[MODBUS_TCP]),
    plan("adc", Identity::process("dbus-adc", "1.48"), &[]),
    plan("digitalinputs", Identity::process("dbus-digitalinputs", "1.30"), &[INPUTS]),
    Plan {
        connection: Some("tcp"),
        ..plan("modbusclient", Identity::process("dbus-modbus-client.py", "1.66"), &[MODBUS_CLIENT])
    },
    Plan { connection: Some("can1"), ..plan("vecan", Identity::process("vecan-dbus", "3.41"), &[VECAN]) },
];

const fn plan(class: &'static str, identity: Identity, rows: &'static [&'static [Row]]) -> Plan {
    Plan { class, connection: None, instance: 0, none: "---", identity, rows }
}

const FIRMWARES: &[Row] = &[
    row("/Firmware/Backup/AvailableVersion", S("v3.64"), PLAIN),
    row("/Firmware/Backup/AvailableBuild", S("20250702072106"), PLAIN),
    row("/Firmware/Backup/Activate", I(0), PLAIN),
    row("/Firmware/Installed/Build", S("20260901120000"), PLAIN),
    row("/Firmware/Installed/Version", S(FIRMWARE), PLAIN),
    row("/Firmware/Online/AvailableBuild", S("20261015093012"), PLAIN),
    row("/Firmware/Online/AvailableVersion", S("v3.72"), PLAIN),
    row("/Firmware/Online/{Check,Install}", I(0), PLAIN).writable(flag),
    row("/Firmware/Progress", I(0), PLAIN),
    row("/Firmware/State", I(1_000), PLAIN),
];

const DEVICE: &[Row] = &[
    row("/CanBus/Interface/can1/Statistics", S(""), PLAIN),
    row("/CanBus/Interfaces", S(CAN_INTERFACES), PLAIN),
    row("/Device/{DataPartitionError,DataPartitionFullError}", U(0), PLAIN),
    row("/Device/HQSerialNumber", S("HQ2150SIM01"), PLAIN),
    row("/Device/Model", S("Cerbo GX"), PLAIN),
    row("/Device/ProductId", S("C00A"), PLAIN),
    row("/Device/Reboot", I(0), PLAIN).writable(flag),
    row("/Device/Time", U(0), PLAIN).writable(number_or_none),
    row("/Device/UniqueId", S("02fc00000001"), PLAIN),
    row("/ModificationChecks/DataPartitionFreeSpace", D(412_000_000.0), PLAIN),
    row("/ModificationChecks/{FsModifiedState,SshKeyForRootPresent}", I(0), PLAIN),
    row("/ModificationChecks/SystemHooksState", I(4), PLAIN),
    row("/Security/PasswordFileAge", No(Kind::I32), PLAIN),
];

const NETWORK: &[Row] = &[
    row("/Mqtt/Bridges/GXdbus/Connected", I(1), PLAIN),
    row("/Mqtt/Bridges/GXdbus/ConnectionStatus", S("Connected"), PLAIN),
    row("/Network/{ConfigChanged,SetValue}", I(0), PLAIN),
    row("/Network/Ethernet/LinkLocalIpAddress", No(Kind::Text), PLAIN),
    row("/Network/Services", S(NETWORK_SERVICES), PLAIN),
    row("/Network/Wifi/Scan", I(0), PLAIN).writable(flag),
    row("/Network/Wifi/SignalStrength", I(67), PLAIN),
    row("/Network/Wifi/State", S("online"), PLAIN),
];

const NOTIFICATIONS: &[Row] = &[
    row("/Notifications/0/{Acknowledged,Active,AlarmValue,DateTime,Silenced,Type}", I(0), PLAIN),
    row("/Notifications/0/{Description,DeviceName,Service,Trigger,Value}", S(""), PLAIN),
    row("/Notifications/AcknowledgeAll", I(0), PLAIN).writable(flag),
    row("/Notifications/{Alarm,Alert}", B(false), PLAIN),
    row("/Notifications/Inject", S(""), PLAIN).writable(|value| value.text().is_some()),
    row("/Notifications/NumberOfActive{Alarms,Informations,Notifications,Warnings}", I(0), PLAIN),
    row("/Notifications/NumberOfNotifications", I(0), PLAIN),
    row("/Notifications/NumberOfUnAcknowledged{Alarms,Informations,Warnings}", I(0), PLAIN),
];

const LOGGER: &[Row] = &[
    row("/Buffer/{Count,ErrorState}", I(0), PLAIN),
    row("/Buffer/FreeDiskSpace", D(412_000_000.0), PLAIN),
    row("/Buffer/Location", I(0), PLAIN),
    row("/Buffer/OldestTimestamp", No(Kind::I32), PLAIN),
    row("/Storage/MountState", I(0), PLAIN),
    row("/Vrm/ConnectionError", I(0), PLAIN),
    row("/Vrm/ConnectionErrorMessage", S(""), PLAIN),
    row("/Vrm/TimeLastContact", U(0), PLAIN),
];

const FRONIUS: &[Row] = &[
    row("/AutoDetect", I(0), PLAIN).writable(flag),
    row("/ScanProgress", I(100), crate::venus::style::Style::Unit(0, "%")),
];

const MODBUS_TCP: &[Row] = &[
    row("/LastError/Message", No(Kind::Text), PLAIN),
    row("/LastError/Timestamp", No(Kind::I32), PLAIN),
    row("/Services/Count", I(20), PLAIN),
];

const INPUTS: &[Row] =
    &[row("/Devices/input{1-4}/Label", S(""), PLAIN), row("/Devices/input{1-4}/Type", I(0), PLAIN)];

const MODBUS_CLIENT: &[Row] = &[
    row("/Devices/evc_HQ2306SIM4G/Serial", S("HQ2306SIM4G"), PLAIN),
    row("/Scan", I(0), PLAIN).writable(flag),
];

const VECAN: &[Row] = &[row("/Interface", S("can1"), PLAIN), row("/Link/Nad", I(36), PLAIN)];

const CAN_INTERFACES: &str = r#"[{"interface":"can1","config":0,"name":"BMS-Can"}]"#;
const NETWORK_SERVICES: &str = r#"{"ethernet":{"Wired":{"Service":"/net/connman/service/ethernet_cable","State":"online","Strength":0,"Address":"192.0.2.10","Gateway":"192.0.2.1","Method":"dhcp"}},"wifi":{"home":{"Service":"/net/connman/service/wifi_home","State":"ready","Strength":67,"Address":"192.0.2.11","Method":"dhcp"}}}"#;
