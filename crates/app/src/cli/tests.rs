//! The command line as a whole.

use clap::{CommandFactory as _, Parser as _};
use expect_test::expect;

use super::*;

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_lists_the_verbs_and_the_exit_codes() {
    let help = Cli::command().term_width(100).render_help().to_string();
    expect![[r#"
        Reads and controls home batteries: on MQTT for Home Assistant, on a page of its own, and here

        Usage: ohmstead [OPTIONS] <COMMAND>

        Commands:
          run          Run the daemon: poll, store, publish, serve
          demo         See the whole product on a simulated house: no configuration, no network, no other
                       server
          check        Check the configuration; with --live also ask each device once
          discover     Look for devices in this network
          doctor       Look for what is in the way on this machine: permissions, ports, clock, disk
          read         Print what a device tells
          set          Ask a device for a mode or a setting, and prove that it obeys
          control      Print what is wanted of which device; switch a part of it; lower a limit
          release      End what was asked by hand and give devices back; without a name all of them, with
                       everything off
          plan         Print what the batteries are going to do; with --why also for which reasons
          outlook      Print who was asked for prices and forecasts, and what is missing
          tempo        Print the colours of the Tempo tariff and what is left of the season; say the colour
                       of a day
          backtest     Replay the past under other strategies, with another battery, and print what it would
                       have cost
          ledger       Print the last attempts to change a device
          history      Ask, export, import, compare and look after what is stored
          backup       Copy the history into one file, or put such a file in its place
          decode       Explain one captured datagram or frame
          sim          Simulate devices on real sockets
          import       Convert the configuration of another program
          export       Print what is known, for other programs
          completions  Print the completions for a shell
          help         Print this message or the help of the given subcommand(s)

        Options:
          -c, --config <FILE>   Configuration [default: ./ohmstead.yaml, /etc/ohmstead/ohmstead.yaml,
                                /data/ohmstead/ohmstead.yaml]
              --data-dir <DIR>  Where history, socket and lock are [default: as configured, else the state
                                directory of the user or service]
              --json            Print data as JSON
              --log <LEVELS>    What to log: LEVEL or AREA=LEVEL, several with commas, such as
                                info,driver.marstek=debug
          -h, --help            Print help
          -V, --version         Print version

        Exit codes:
          0  done
          1  it did not work
          2  wrong command line
          3  wrong or missing configuration
          4  the device did not answer
          5  refused: read-only (a dry run), not controllable, or the device said no
          6  another instance uses the same data directory, port or client id
    "#]]
    .assert_eq(&help);
}

#[test]
fn options_may_stand_before_and_behind_the_verb() {
    for line in ["ohmstead --json --config x read a", "ohmstead read a --json --config x"] {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        assert!(cli.common.json && cli.common.config.is_some(), "{line}");
    }
}

#[test]
fn a_level_that_is_none_is_a_usage_error() {
    let error = Cli::try_parse_from(["ohmstead", "run", "--log", "loud"]).unwrap_err();
    assert_eq!(error.exit_code(), Code::Usage as i32);
    assert!(error.to_string().contains("is no log level"), "{error}");
}

#[test]
fn every_exit_code_is_in_the_help() {
    let codes = [Code::Failed, Code::Usage, Code::Config, Code::NoAnswer, Code::Refused, Code::InUse];
    for code in codes {
        assert!(CODES.contains(&format!("\n  {}  ", code as u8)), "{code:?}");
    }
}
