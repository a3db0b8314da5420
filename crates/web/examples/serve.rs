//! Serves the fake house of the tests: for looking at the page, and for tools that try an OpenAPI description out.
//! `cargo run -p ohmstead-web --example serve -- 127.0.0.1:8230`

#[expect(dead_code, clippy::unwrap_used, reason = "the tests use the rest")]
#[path = "../tests/web/fake.rs"]
mod fake;

use std::error::Error;

use ohmstead_web::{Settings, bind, check, router, serve};
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8230".to_owned()).parse()?;
    let settings = Settings { listen, ..Settings::default() };
    check(&settings)?;
    let listener = bind(&settings).await?;
    serve(listener, router(fake::House::with_inverter(), &settings), CancellationToken::new()).await;
    Ok(())
}
