//! A customer from nothing to `p=reject` in simulated months, against the real engine; needs `ruad` built beside this
//! program's binary, as `cargo test --workspace` does.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test's way to fail")]

mod judge;
mod shop;
mod variants;
mod world;

use std::path::Path;
use std::sync::OnceLock;

use ruad_demo::onboarding::{Chapter, Engine, Life, Scenario, Story};
use tokio::sync::OnceCell;

/// The engine that all tests share.
fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let ruad = Path::new(env!("CARGO_BIN_EXE_ruad-demo")).with_file_name("ruad");
    ENGINE.get_or_init(|| Engine::start(&ruad).unwrap())
}

/// The story of five senders, played once.
async fn bicycles() -> &'static Story {
    static STORY: OnceCell<Story> = OnceCell::const_new();
    STORY.get_or_init(|| play(Scenario::bicycles())).await
}

/// Plays a scenario, and prints it for whoever looks at a test that failed.
async fn play(scenario: Scenario) -> Story {
    let mut tell = |chapter: &Chapter| {
        if chapter.is_news {
            println!("{chapter}");
        }
    };
    let story = Life::live(scenario, engine(), &mut tell).await.unwrap();
    println!("{}", story.moral());
    judge::never_weaker(&story);
    story
}
