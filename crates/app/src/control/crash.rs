//! The program is cut off at every point where it waits for its memory, its device or its clock, one after the other. Whatever
//! the point, the next run makes the device what it was before the first start, and leaves nothing in the book.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ohmstead_control::{Desired, Reason, Who};
use ohmstead_model::{Clock, Commands as _, UnixMillis};
use ohmstead_units::Watts;
use tokio::runtime::Builder;

use super::tests::Scene;
use crate::clock::WallClock;
use crate::testing::{Cut, CutClock, FakeHandle, FakeRecords, Obeys, START, id};

/// What happens in a run, up to its end in order.
type Story = for<'a> fn(&'a Scene) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A device, and what is remembered of it, which outlive the program.
struct World {
    fake: FakeHandle,
    records: Arc<FakeRecords>,
}

impl World {
    fn new(obeys: Obeys) -> Self {
        let fake = FakeHandle::new().with(|fake| {
            fake.mode = "Auto".to_owned();
            fake.obeys = obeys;
        });
        Self { fake, records: Arc::default() }
    }

    /// One run of the program, which may be cut off: everything of it is gone then.
    fn live(&self, start: UnixMillis, cut: &Arc<Cut>, story: Story) {
        self.fake.lock().cut = Arc::clone(cut);
        *self.records.cut.lock().unwrap() = Arc::clone(cut);
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let clock: Arc<dyn Clock> = Arc::new(WallClock::scaled(start, 1.0));
            let clock = Arc::new(CutClock(clock, Arc::clone(cut)));
            let run = async {
                let scene = Scene::at(clock, "", Arc::clone(&self.records), self.fake.clone()).await;
                story(&scene).await;
            };
            tokio::select! {
                () = run => {}
                () = cut.over() => {}
            }
        });
    }

    fn kept(&self, key: &str) -> String {
        self.records.state.lock().unwrap().get(key).cloned().unwrap_or_default()
    }

    fn is_as_before(&self) -> bool {
        self.fake.lock().mode == "Auto"
    }
}

/// A run in which nobody wants anything.
fn quiet(scene: &Scene) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(async {
        scene.sleep(200).await;
        scene.stop().await;
    })
}

/// How many points there are in a story.
fn points(obeys: Obeys, story: Story) -> usize {
    let uncut = Arc::default();
    World::new(obeys).live(START, &uncut, story);
    uncut.passed()
}

/// The story, cut off at a point: what the program was about to do is known.
fn cut_at(point: usize, obeys: Obeys, story: Story) -> World {
    let world = World::new(obeys);
    world.live(START, &Cut::at(point), story);
    assert!(
        world.is_as_before() || !world.kept("original/a").is_empty(),
        "cut at {point}: written without knowing what was there: {:?}",
        world.fake.lock().log
    );
    world.fake.lock().obeys = Obeys::Fully;
    world
}

impl World {
    /// The next run, in which nobody wants anything, leaves no trace.
    fn recovers(&self, cuts: &str) {
        self.live(START.plus(Duration::from_secs(700)), &Arc::default(), quiet);
        let log = self.fake.lock().log.clone();
        assert!(self.is_as_before(), "cut at {cuts}: it is {}: {log:?}", self.fake.lock().mode);
        let book = ["original/a", "attempt/a", "overrides"].map(|key| self.kept(key));
        let is_empty = book.iter().all(|text| ["", "[]"].contains(&text.as_str()));
        assert!(is_empty, "cut at {cuts}: {book:?}: {log:?}");
    }
}

/// Cuts the story off at every point there is; how many that were.
fn cut_everywhere(obeys: Obeys, story: Story) -> usize {
    let points = points(obeys, story);
    for point in 0..=points {
        cut_at(point, obeys, story).recovers(&format!("{point} of {points}"));
    }
    points
}

fn a_wish_that_ends(scene: &Scene) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(async {
        let _ = scene.ask("charge 800 W", Some(100)).await;
        scene.sleep(150).await;
        scene.stop().await;
    })
}

fn one_wish_after_the_other(scene: &Scene) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(async {
        let first = scene.ask("charge 800 W", Some(500));
        scene.sleep(3).await;
        let _ = scene.ask("discharge 300 W", Some(500)).await;
        let _ = first.await;
        let _ = scene.commander.release(id("a"), ohmstead_model::Asker::Cli).await;
        let _ = scene.ask("idle", Some(500)).await;
        scene.stop().await;
    })
}

/// As the limiter orders it, without one.
fn limited(watts: f64) -> Desired {
    Desired {
        mode: Some(ohmstead_model::BatteryMode::Auto),
        discharge_max: Some(Watts(watts)),
        bounded_by: vec![Who::Limiter],
        reason: Reason::SiteLimit { limit: "multi_output".to_owned(), left: Watts(watts) },
        ..Desired::hands_off(id("a"))
    }
}

/// Control is stopped, for it would order something else.
fn a_limit_that_is_released(scene: &Scene) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(async {
        scene.sleep(2).await;
        scene.stop_control().await;
        for watts in [5000.0, 4000.0, 3000.0] {
            scene.commander.order(&limited(watts));
            scene.sleep(1).await;
        }
        scene.commander.order(&Desired::hands_off(id("a")));
        scene.sleep(20).await;
        scene.commander.order(&limited(2000.0));
        scene.sleep(1).await;
        scene.stop().await;
    })
}

#[test]
fn a_wish_is_cut_off_anywhere() {
    for obeys in [Obeys::Fully, Obeys::ModeOnly, Obeys::Not] {
        let points = cut_everywhere(obeys, a_wish_that_ends);
        println!("a wish that ends, {obeys:?}: {points} points");
        assert!(points > 100, "{points}");
    }
}

/// The run that gives the device back is cut off too, anywhere.
#[test]
fn a_recovery_is_cut_off_anywhere() {
    let all = points(Obeys::Fully, a_wish_that_ends);
    for first in [all / 8, all / 4, all / 2] {
        let world = cut_at(first, Obeys::Fully, a_wish_that_ends);
        assert!(!world.is_as_before(), "in the middle of it");
        let uncut = Arc::default();
        world.live(START.plus(Duration::from_secs(300)), &uncut, quiet);
        for second in 0..=uncut.passed() {
            let world = cut_at(first, Obeys::Fully, a_wish_that_ends);
            world.live(START.plus(Duration::from_secs(300)), &Cut::at(second), quiet);
            world.recovers(&format!("{first}, then {second}"));
        }
        println!("recovery after a cut at {first}: {} points", uncut.passed());
    }
}

#[test]
fn wishes_are_cut_off_anywhere() {
    let points = cut_everywhere(Obeys::Fully, one_wish_after_the_other);
    println!("one wish after the other: {points} points");
    assert!(points > 50, "{points}");
}

#[test]
fn a_limit_is_cut_off_anywhere() {
    let points = cut_everywhere(Obeys::Fully, a_limit_that_is_released);
    println!("a limit that is released: {points} points");
    assert!(points > 50, "{points}");
}

/// A write that was not answered may have been taken: what it may have changed is given back.
#[test]
fn a_limit_that_nobody_acknowledged_is_given_back() {
    let world = World::new(Obeys::Fully);
    world.fake.lock().says = None;
    world.live(START, &Arc::default(), |scene| {
        Box::pin(async {
            scene.sleep(2).await;
            scene.stop_control().await;
            scene.commander.order(&limited(5000.0));
            scene.sleep(3).await;
            assert_ne!(scene.mode(), "Auto");
            scene.fake.lock().says = Some(true);
            scene.commander.order(&Desired::hands_off(id("a")));
            scene.sleep(60).await;
            assert_eq!((scene.mode().as_str(), scene.kept("original/a").as_str()), ("Auto", ""));
        })
    });
}

/// Of several writes the first was taken and another refused.
#[test]
fn what_was_taken_in_part_and_refused_is_given_back() {
    let world = World::new(Obeys::Partly);
    world.fake.lock().says = Some(false);
    world.live(START, &Arc::default(), |scene| {
        Box::pin(async {
            let entry = scene.ask("charge 800 W", Some(600)).await.expect("an answer");
            assert_eq!((entry.outcome.key(), scene.mode().as_str()), ("rejected", "Half"));
            scene.fake.lock().says = Some(true);
            scene.fake.lock().obeys = Obeys::Fully;
            scene.sleep(60).await;
            assert_eq!((scene.mode().as_str(), scene.kept("original/a").as_str()), ("Auto", ""));
        })
    });
}

/// A unit that says yes at the stop and does nothing is given back by the next start.
#[test]
fn what_is_not_done_at_the_stop_is_not_forgotten() {
    let world = World::new(Obeys::Fully);
    world.live(START, &Arc::default(), |scene| {
        Box::pin(async {
            scene.ask("charge 800 W", Some(600)).await.expect("an answer");
            scene.fake.lock().obeys = Obeys::Not;
            scene.stop().await;
        })
    });
    assert!(!world.is_as_before());
    world.fake.lock().obeys = Obeys::Fully;
    world.recovers("the stop");
}
