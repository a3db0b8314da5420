//! What each profile says to each question, as text, with its converters and settings held still.

use crate::common::{Bench, bench, bench_with, text};
use expect_test::{Expect, expect};
use ohmstead_plant::voltronic::{Energy, Leg, Mode, Reading, Tracker};

/// A unit that measures a quiet afternoon: cells feed 742 W, two strings shine.
fn still(profile: &str) -> Bench {
    let mut bench = bench(profile, "think-ms=0");
    let unit = bench.unit();
    let string =
        |volts: f64, watts: f64| Tracker { volts, watts, amps: watts / volts, charge_a: watts / 53.0 };
    let trackers = [string(214.4, 1_226.0), string(202.0, 205.0), Tracker::default()];
    let ac_v = unit.nameplate.ac_v;
    let reading = Reading {
        mode: Mode::Battery,
        grid_v: ac_v * 0.99,
        grid_hz: 50.02,
        out_v: ac_v,
        out_hz: 49.98,
        load_va: 801.0,
        load_w: 742.0,
        load_pct: 16.0,
        bus_v: 398.0,
        battery_v: 53.0,
        charge_a: 9.0,
        discharge_a: 0.0,
        capacity_pct: 87.0,
        heat: 41.0,
        scc_v: if unit.reading().scc_v > 0.0 { 52.98 } else { 0.0 },
        trackers,
        status: 0b0001_0110,
        status_2: 0b010,
        leg_2: Leg { grid_v: 118.5, out_v: 120.0, va: 360.0, watts: 334.0, pct: 14.0 },
        set: [9.0, 801.0, 742.0, 16.0],
        warnings: vec![12],
        load_on: true,
        day_wh: 4_321.0,
        ..unit.reading()
    };
    unit.pin(reading);
    unit.ledger.book(jiff::civil::date(2025, 6, 2), Energy { pv_wh: 4_321.0, load_wh: 2_345.0 });
    unit.ledger.book(jiff::civil::date(2024, 12, 31), Energy { pv_wh: 120_000.0, load_wh: 90_000.0 });
    bench
}

fn check_30(profile: &str, extra: &[&str], expected: &Expect) {
    let mut bench = still(profile);
    let common = [
        "QPI",
        "QID",
        "QVFW",
        "QMN",
        "QGMN",
        "QMOD",
        "QPIGS",
        "QPIGS2",
        "QPIRI",
        "QPIWS",
        "QFLAG",
        "QDI",
        "QMCHGCR",
        "QMUCHGCR",
        "QPGS0",
        "QPGS1",
        "QSID",
        "QT",
        "QET",
        "QED20250602",
    ];
    let lines: Vec<_> =
        common.iter().chain(extra).map(|command| format!("{command}: {}\n", bench.ask(command))).collect();
    expected.assert_eq(&lines.concat());
}

fn check_18(profile: &str, expected: &Expect) {
    let mut bench = still(profile);
    let common = [
        "PI",
        "ID",
        "VFW",
        "MOD",
        "GS",
        "PIRI",
        "FWS",
        "FLAG",
        "T",
        "DI",
        "MCHGCR",
        "MUCHGCR",
        "ET",
        "EY2025",
        "EM202506",
        "ED20250602",
        "PRI0",
        "PRI1",
        "PGS0",
        "PGS1",
    ];
    let lines: Vec<_> =
        common.iter().map(|command| format!("{command}: {}\n", bench.ask_18("P", command))).collect();
    expected.assert_eq(&lines.concat());
}

#[test]
fn the_small_unit_of_2014() {
    check_30(
        "pi30-17",
        &[],
        &expect![[r#"
            QPI: (PI30
            QID: (92934295887995
            QVFW: (VERFW:00012.03
            QMN: (NAK
            QGMN: (NAK
            QMOD: (B
            QPIGS: (227.7 50.0 230.0 50.0 0801 0742 016 398 53.00 009 087 0041 0023 214.4 52.98 00000 00010110
            QPIGS2: (NAK
            QPIRI: (230.0 13.0 230.0 50.0 13.0 3000 2400 24.0 24.0 23.0 28.0 27.0 2 30 60 0 2 1 - 01 0 0 26.0 0 1
            QPIWS: (00000000000010000000000000000000
            QFLAG: (EakxyDbjuvz
            QDI: (230.0 50.0 0030 21.0 27.0 28.2 23.0 50 0 0 2 0 0 0 0 0 1 1 0 0 1 0 27.0 0 1
            QMCHGCR: (10 20 30 40 50
            QMUCHGCR: (02 10 20 30
            QPGS0: (NAK
            QPGS1: (NAK
            QSID: (NAK
            QT: (NAK
            QET: (NAK
            QED20250602: (NAK
        "#]],
    );
}

#[test]
fn the_classic_unit() {
    check_30(
        "pi30-21",
        &["QOPM", "QBEQI", "QBOOT", "Q1"],
        &expect![[r#"
            QPI: (PI30
            QID: (92932853943742
            QVFW: (VERFW:00072.70
            QMN: (MKS-5000
            QGMN: (004
            QMOD: (B
            QPIGS: (227.7 50.0 230.0 50.0 0801 0742 016 398 53.00 009 087 0041 0023 214.4 52.98 00000 00010110 00 00 01226 010
            QPIGS2: (NAK
            QPIRI: (230.0 21.7 230.0 50.0 21.7 5000 4000 48.0 48.0 46.0 56.0 54.0 2 30 060 0 2 1 6 01 0 0 52.0 0 1
            QPIWS: (00000000000010000000000000000000
            QFLAG: (EakxyDbjuvz
            QDI: (230.0 50.0 0030 42.0 54.0 56.4 46.0 60 0 0 2 0 0 0 0 0 1 1 0 0 1 0 54.0 0 1 000
            QMCHGCR: (010 020 030 040 050 060
            QMUCHGCR: (002 010 020 030 040 050 060
            QPGS0: (1 92932853943742 B 00 227.7 50.02 230.0 49.98 0801 0742 016 53.0 009 087 214.4 009 00801 00742 016 10100010 0 1 060 060 30 23 000
            QPGS1: (0 00000000000000 S 00 000.0 00.00 000.0 00.00 0000 0000 000 00.0 000 000 000.0 000 00000 00000 000 00000000 0 0 000 000 00 00 000
            QSID: (NAK
            QT: (NAK
            QET: (NAK
            QED20250602: (NAK
            QOPM: (00
            QBEQI: (0 060 030 080 021 58.40 224 120 0 0000
            QBOOT: (1
            Q1: (00000 00000 01 01 09 041 041 025 041 00 00 000 0040 1226 0000 49.98 11
        "#]],
    );
}

#[test]
fn the_king() {
    check_30(
        "pi30-mk",
        &[],
        &expect![[r#"
        QPI: (PI30
        QID: (92932624760827
        QVFW: (VERFW:00041.17
        QMN: (KING-5000
        QGMN: (037
        QMOD: (B
        QPIGS: (227.7 50.0 230.0 50.0 0801 0742 016 398 53.00 009 087 0041 0006 214.4 00.00 00000 00010110 00 00 01226 010
        QPIGS2: (NAK
        QPIRI: (230.0 21.7 230.0 50.0 21.7 5000 5000 48.0 48.0 46.0 56.0 54.0 2 30 060 0 2 1 9 01 0 0 52.0 0 1 000 0 000
        QPIWS: (000000000000100000000000000000000000
        QFLAG: (EakxyDbjuvz
        QDI: (230.0 50.0 0030 42.0 54.0 56.4 46.0 60 0 0 2 0 0 0 0 0 1 1 0 0 1 0 54.0 0 1 000
        QMCHGCR: (010 020 030 040 050 060 070 080
        QMUCHGCR: (002 010 020 030 040 050 060
        QPGS0: (1 92932624760827 B 00 227.7 50.02 230.0 49.98 0801 0742 016 53.0 009 087 214.4 009 00801 00742 016 10100010 0 1 060 080 30 06 000
        QPGS1: (0 00000000000000 S 00 000.0 00.00 000.0 00.00 0000 0000 000 00.0 000 000 000.0 000 00000 00000 000 00000000 0 0 000 000 00 00 000
        QSID: (NAK
        QT: (20250602120003
        QET: (NAK
        QED20250602: (NAK
    "#]],
    );
}

#[test]
fn the_max_twin() {
    check_30(
        "pi30-max",
        &["QEY2024", "QEM202506", "QLT", "QLD20250602", "QOPPT", "QCHPT", "QBMS"],
        &expect![[r#"
        QPI: (PI30
        QID: (92935559667651
        QVFW: (VERFW:00080.11
        QMN: (MAX-11000
        QGMN: (061
        QMOD: (B
        QPIGS: (227.7 50.0 230.0 50.0 00801 00742 016 398 53.00 009 087 0041 05.7 214.4 00.00 00000 00010110 00 00 01226 010 0 00 0000
        QPIGS2: (01.0 202.0 00205 
        QPIRI: (230.0 47.8 230.0 50.0 47.8 11000 11000 48.0 48.0 46.0 56.0 54.0 2 030 060 0 2 1 9 01 0 0 52.0 0 1 224 0 000
        QPIWS: (000000000000100000000000000000000000
        QFLAG: (EakxyzDbdjlnuv
        QDI: (230.0 50.0 0030 44.0 54.0 56.4 46.0 60 0 0 2 0 0 0 0 0 1 1 1 0 1 0 54.0 0 1 224
        QMCHGCR: (010 020 030 040 050 060 070 080 090 100 110 120 130 140 150
        QMUCHGCR: (010 020 030 040 050 060 070 080 090 100 110 120 130 140 150
        QPGS0: (1 92935559667651 B 00 227.7 50.02 230.0 49.98 00801 00742 016 53.0 009 087 214.4 009 00801 00742 016 10100010 0 1 060 150 030 06 000 202.0 01
        QPGS1: (0 00000000000000 S 00 000.0 00.00 000.0 00.00 0000 0000 000 00.0 000 000 000.0 000 00000 00000 000 00000000 0 0 000 000 000 00 000 000.0 00
        QSID: (1492935559667651000000
        QT: (20250602120003
        QET: (00124324
        QED20250602: (00004324
        QEY2024: (00120000
        QEM202506: (00004325
        QLT: (00092345
        QLD20250602: (00002345
        QOPPT: (2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 0 2 1
        QCHPT: (1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 0 0 0
        QBMS: (NAK
    "#]],
    );
}

#[test]
fn the_max_of_8_kilowatts() {
    check_30(
        "pi30-max21",
        &[],
        &expect![[r#"
            QPI: (PI30
            QID: (92932219578486
            QVFW: (VERFW:00049.05
            QMN: (MAX2-8000
            QGMN: (044
            QMOD: (B
            QPIGS: (227.7 50.0 230.0 50.0 0801 0742 016 398 53.00 009 087 0041 05.7 214.4 00.00 00000 00010110 00 00 01226 010
            QPIGS2: (01.0 202.0 00205 
            QPIRI: (230.0 34.7 230.0 50.0 34.7 8000 8000 48.0 48.0 46.0 56.0 54.0 2 030 060 0 2 1 9 01 0 0 52.0 0 1 224 0 000
            QPIWS: (000000000000100000000000000000000000
            QFLAG: (EakxyzDbjuv
            QDI: (230.0 50.0 0030 44.0 54.0 56.4 46.0 60 0 0 2 0 0 0 0 0 1 1 1 0 1 0 54.0 0 1 224
            QMCHGCR: (010 020 030 040 050 060 070 080 090 100 110 120
            QMUCHGCR: (002 010 020 030 040 050 060 070 080 090 100 110 120
            QPGS0: (1 92932219578486 B 00 227.7 50.02 230.0 49.98 0801 0742 016 53.0 009 087 214.4 009 00801 00742 016 10100010 0 1 060 120 030 06 000 202.0 01
            QPGS1: (0 00000000000000 S 00 000.0 00.00 000.0 00.00 0000 0000 000 00.0 000 000 000.0 000 00000 00000 000 00000000 0 0 000 000 000 00 000 000.0 00
            QSID: (1492932219578486000000
            QT: (20250602120003
            QET: (00124324
            QED20250602: (00004324
        "#]],
    );
}

#[test]
fn the_split_phase_unit() {
    check_30(
        "pi41",
        &["QP2GS0", "QP2GS1"],
        &expect![[r#"
            QPI: (PI41
            QID: (92936157552200
            QVFW: (VERFW:00021.03
            QMN: (NAK
            QGMN: (NAK
            QMOD: (B
            QPIGS: (118.8 50.0 120.0 50.0 0801 0742 016 398 53.00 009 087 0041 0023 214.4 52.98 00000 00010110 00 00 01226 010
            QPIGS2: (118.5 50.0 120.0 50.0 0360 0334 014 0004 202.0 53.00 0000110
            QPIRI: (120.0 41.6 120.0 60.0 41.6 5000 5000 48.0 48.0 46.0 56.0 54.0 2 30 060 0 2 1 9 01 0 0 52.0 0 1 000
            QPIWS: (00000000000010000000000000000000
            QFLAG: (EakxyDbjuvz
            QDI: (120.0 60.0 0030 42.0 54.0 56.4 46.0 60 0 0 2 0 0 0 0 0 1 1 0 0 1 0 54.0 0 1 000
            QMCHGCR: (010 020 030 040 050 060 070 080 090 100 110 120
            QMUCHGCR: (002 010 020 030 040 050 060
            QPGS0: (1 92936157552200 B 00 118.8 50.02 120.0 49.98 0801 0742 016 53.0 009 087 214.4 009 00801 00742 016 00010110 0 1 060 120 30 23 000
            QPGS1: (0 00000000000000 S 00 000.0 00.00 000.0 00.00 0000 0000 000 00.0 000 000 000.0 000 00000 00000 000 00000000 0 0 000 000 00 00 000
            QSID: (NAK
            QT: (NAK
            QET: (NAK
            QED20250602: (NAK
            QP2GS0: (11 92936157552200 B 00 118.5 50.02 120.0 49.98 0360 0334 014 53.0 004 087 202.0 04 00010110
            QP2GS1: (00 00000000000000 S 00 000.0 00.00 000.0 00.00 0000 0000 000 00.0 000 000 000.0 00 00000000
        "#]],
    );
}

#[test]
fn the_revo() {
    check_30(
        "revo",
        &["QLITH0", "QALL", "PQSE"],
        &expect![[r#"
        QPI: (PI30
        QID: (92933913908266
        QVFW: (VERFW:00001.18
        QMN: (NAK
        QGMN: (NAK
        QMOD: (B
        QPIGS: (227.7 50.0 230.0 50.0 0801 0742 016 398 53.00 009 087 0041 1226 214.4 00.00 04321 00010110 00 00 01226 010
        QPIGS2: (NAK
        QPIRI: (230.0 23.9 230.0 50.0 23.9 5500 5500 48.0 48.0 46.0 56.0 54.0 2 60 000 0 0 0 6 01 0 0 00.0 0 1
        QPIWS: (00000000000010000000000000000000
        QFLAG: (NAK
        QDI: (NAK
        QMCHGCR: (NAK
        QMUCHGCR: (NAK
        QPGS0: (NAK
        QPGS1: (NAK
        QSID: (NAK
        QT: (NAK
        QET: (NAK
        QED20250602: (NAK
        QLITH0: (053.0 009.0 000.0 250 060 000 060.0 100.0 056.0 046.0 0 0
        QALL: (228 50.0 230 50.0 0742 016 53.0 087 009 000 214 05.7 1226 004321 000124 B 00 00
        PQSE: (020102 56.0 54.0 48.0 46.0 060 030 2025 06 02 12 00 01000 52.0
    "#]],
    );
}

#[test]
fn the_revos_other_check() {
    let mut bench = still("revo");
    let summed = |command: &str| {
        let sum = command.bytes().fold(1, u8::wrapping_add);
        [command.as_bytes(), &[sum], b"\r"].concat()
    };
    let answer = bench.exchange(&summed("QALL"));
    let (body, end) = answer.split_at(answer.len() - 2);
    assert_eq!(end, [body.iter().fold(1, |sum: u8, byte| sum.wrapping_add(*byte)), b'\n']);
    expect!["(228 50.0 230 50.0 0742 016 53.0 087 009 000 214 05.7 1226 004321 000124 B 00 00"]
        .assert_eq(&String::from_utf8_lossy(body));
}

#[test]
fn pi18_by_the_document() {
    check_18(
        "pi18",
        &expect![[r#"
            PI: ^D00518
            ID: ^D0251492935855474638000000
            VFW: ^D02005220,00000,00000
            MOD: ^D00503
            GS: ^D1062277,500,2300,500,0801,0742,016,530,000,000,000,009,087,041,000,000,1226,0205,2144,2020,0,2,2,1,1,2,0,0
            PIRI: ^D0862300,217,2300,500,217,5000,5000,480,480,520,460,560,540,2,030,060,0,1,0,9,0,0,0,0,2
            FWS: ^D03700,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0
            FLAG: ^D0201,0,1,0,0,1,1,0,0
            T: ^D01720250602120001
            DI: ^D0692300,500,0,420,540,564,460,540,060,030,0,0,1,0,0,0,1,0,1,0,0,1,1,0
            MCHGCR: ^D034010,020,030,040,050,060,070,080
            MUCHGCR: ^D030002,010,020,030,040,050,060
            ET: ^D01100000124
            EY2025: ^D01100000004
            EM202506: ^D01100000004
            ED20250602: ^D01100004323
            PRI0: ^D0401,14,92935855474638000000,0,060,030,0
            PRI1: ^D0400,00,00000000000000000000,0,000,000,0
            PGS0: ^D1131,3,00,2277,500,2300,500,0801,0742,00801,00742,016,016,530,000,009,009,087,1226,0205,2144,2020,2,2,1,1,2,0,041
            PGS1: ^D1130,1,00,0000,000,0000,000,0000,0000,00000,00000,000,000,000,000,000,000,000,0000,0000,0000,0000,0,0,0,0,0,0,000
        "#]],
    );
}

#[test]
fn pi18_as_captured() {
    check_18(
        "pi18-lv5048",
        &expect![[r#"
            PI: ^D00518
            ID: ^D0251492930423987138000000
            VFW: ^D02004510,00000,00000
            MOD: ^D00503
            GS: ^D1062277,500,2300,500,0801,0742,016,530,000,000,000,009,087,041,000,000,1226,0205,2144,2020,0,2,0,1,1,2,0,0
            PIRI: ^D0892300,243,2300,500,243,5600,5600,480,480,520,460,560,540,2,030,060,0,1,0,9,0,0,0,0,1,00
            FWS: ^D03900,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0
            FLAG: ^D0201,0,1,0,0,1,1,0,0
            T: ^D01720250602120001
            DI: ^D0692300,500,0,420,540,564,460,540,060,030,0,0,1,0,0,0,1,0,1,0,0,1,1,0
            MCHGCR: ^D038010,020,030,040,050,060,070,080,090
            MUCHGCR: ^D030002,010,020,030,040,050,060
            ET: ^D01100124323
            EY2025: ^D01100004323
            EM202506: ^D01100004323
            ED20250602: ^D01100004323
            PRI0: ^D0401,14,92930423987138000000,0,060,030,0
            PRI1: ^D0400,00,00000000000000000000,0,000,000,0
            PGS0: ^D1131,3,00,2277,500,2300,500,0801,0742,00801,00742,016,016,530,000,009,009,087,1226,0205,2144,2020,2,0,1,1,2,0,041
            PGS1: ^D1130,1,00,0000,000,0000,000,0000,0000,00000,00000,000,000,000,000,000,000,000,0000,0000,0000,0000,0,0,0,0,0,0,000
        "#]],
    );
}

#[test]
fn pi17() {
    let mut bench = still("pi17");
    let mut lines = String::new();
    for command in [
        "^P003PI",
        "^P003ID",
        "^P004VFW",
        "^P005VFW2",
        "^P003MD",
        "^P005PIRI",
        "^P003GS",
        "^P003PS",
        "^P004MOD",
        "^P003WS",
        "^P005FLAG",
        "^P002T",
        "^P003ET",
        "^P010EY2025",
        "^P012EM202506",
        "^P014ED20250602",
        "^P005BATS",
        "^P005HECS",
        "^P005GPMP",
        "^P005OPMP",
    ] {
        let sum = if command.contains('E') && command.len() > 10 {
            format!("{:03}", command.bytes().fold(0, u8::wrapping_add))
        } else {
            String::new()
        };
        let answer = bench.exchange(format!("{command}{sum}\r").as_bytes());
        lines += &[command, ": ", &text(&answer), "\n"].concat();
    }
    expect![[r#"
        ^P003PI: ^D00517
        ^P003ID: ^D0251492938297333583000000
        ^P004VFW: ^D017VERFW:00001.01
        ^P005VFW2: ^D018VERFW2:00000.31
        ^P003MD: ^D037000,010000,99,3,3,2300,2300,04,120
        ^P005PIRI: ^D0452300,500,0145,2300,0145,0187,0480,2,10,0,1
        ^P003GS: ^D1102144,2020,0057,0010,0530,087,+00090,2277,2277,2277,5002,0000,0000,0000,2300,2300,2300,4998,,,,041,041,000,0
        ^P003PS: ^D11301226,00205,+00477,+00000,+00000,+00000,+00000,00247,00247,00247,00742,00267,00267,00267,00801,016,1,1,1,1,2,0
        ^P004MOD: ^D00503
        ^P003WS: ^D0470,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,
        ^P005FLAG: ^D0120,0,1,0,1
        ^P002T: ^D01720250602120002
        ^P003ET: ^D01100000124
        ^P010EY2025: ^D01100000004
        ^P012EM202506: ^D0100000004
        ^P014ED20250602: ^D009004323
        ^P005BATS: ^D0760600,0560,0540,0000,060,0530,0460,0480,0480,0520,0,,,0,0480,000,0300,0175
        ^P005HECS: ^D02100,1,1,0,1,1,0,0,0
        ^P005GPMP: ^D00810000
        ^P005OPMP: ^D00810000
    "#]].assert_eq(&lines);
}

#[test]
fn the_strangers() {
    let mut ups = still("ups");
    let mut line = |command: &str| ups.exchange(format!("{command}\r").as_bytes()).escape_ascii().to_string();
    expect![[r#"
        (227.7 230.0 227.7 017 50.0 27.3 25.0 00001001\r
        (227.7 230.0 227.7 017 50.0 27.3 25.0 00001001\r
        #230.0 004 24.00 50.0\r
        #SIMULATED       UPS-1000   V1.00     \r
        M\r"#]]
    .assert_eq(&["Q1", "QS", "F", "I", "M"].map(&mut line).join("\n"));
    let mut charger = still("charger");
    expect![[r#"
        (PI34
        (92934574058286
        (VERFW:00001.04
        (NAK
        (NAK"#]]
    .assert_eq(&["QPI", "QID", "QVFW", "QPIGS", "QMOD"].map(|command| charger.ask(command)).join("\n"));
}

/// QID and the set tell fourteen digits; the whole number one question tells.
#[test]
fn a_long_serial_number_is_told_whole_by_one_question() {
    let mut bench =
        bench_with("pi30-max", "think-ms=0", |setup| setup.serial = "96332309100118701234".to_owned());
    assert_eq!(bench.ask("QID"), "(96332309100118");
    assert_eq!(bench.ask("QSID"), "(2096332309100118701234");
    assert_eq!(bench.fields("QPGS0")[1], "96332309100118");
}

/// What a unit heard is noted where somebody wants to know, each command with what was the case then.
#[test]
fn a_unit_keeps_a_diary() {
    let mut bench = bench("pi30-21", "think-ms=0");
    bench.ask("QMOD");
    assert!(bench.unit().take_diary().is_empty());
    bench.unit().keep_diary();
    let mode = bench.ask("QMOD");
    let notes = bench.unit().take_diary();
    assert_eq!(notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>(), ["QMOD"]);
    assert_eq!(mode, format!("({}", notes[0].truth.mode));
    assert!(bench.unit().take_diary().is_empty(), "once");
}
