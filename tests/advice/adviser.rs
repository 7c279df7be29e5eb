//! What a run keeps and tells.

use std::{collections::BTreeMap, sync::Arc};

use ruad::{
    advice::{
        Advised, Adviser, Class, Counts, Effort, Gate, Instruction, Plan, Readiness, Recent, RecordType,
        Risk, Rule, Sender, Settings, Setup, Stage, State, Step, StepCode, Traffic, Who, Window, advise,
        adviser,
        unusual::{Kind, Unusual},
    },
    health::posture::Posture,
    sources::Catalog,
    store::Store,
};
use ruad_dns::dmarc::Policy;
use ruad_dns::profile::Score;
use ruad_registry::{Preferences, Registry, SenderId};

use crate::engine::{Engine, number};

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;
const DOMAIN: &str = "acme.example";

fn registry() -> Registry {
    Registry::parse("[[group]]\nname = \"acme\"\ndomains = [\"acme.example\", \"other.example\"]\n", "test")
        .unwrap()
}

fn posture(domain: &str) -> Posture {
    Posture {
        score: Some(Score::BEST),
        reports_to_us: Some(true),
        receives: Some(true),
        ..Posture::empty(domain, NOW)
    }
}

fn step(code: &'static str, subject: &str, state: State) -> Step {
    Step {
        code: StepCode::named(code).unwrap_or(StepCode::Unknown(code)),
        subject: subject.to_owned(),
        state,
        opened_at: NOW - 5 * DAY,
        done_at: (state == State::Done).then_some(NOW),
        instructions: vec![Instruction::Publish {
            name: DOMAIN.to_owned(),
            kind: RecordType::Txt,
            ttl: 3_600,
            value: "v=spf1 -all".to_owned(),
            replaces: None,
        }],
        waits: Vec::new(),
        who: Who::Dns,
        effort: Effort::Minutes,
        risk: Risk::Low,
        values: BTreeMap::from([("selector", "s1".to_owned()), ("term", "include:x".to_owned())]),
    }
}

fn sender(id: &str, messages: u64) -> Sender {
    Sender {
        id: SenderId::service(id),
        name: id.to_uppercase(),
        category: None,
        counts: Counts { messages, passed: messages, dkim_aligned: messages, ..Counts::default() },
        recent: Recent::default(),
        share: 0.5,
        addresses: 2,
        active_days: 9,
        first_day: 20_700,
        last_day: 20_832,
        class: Class::Aligned,
        rule: Rule("passes"),
        setup: Setup::default(),
    }
}

/// A plan as somebody else drew it.
fn drawn(at: u64, stage: Stage, stage_since: u64, steps: Vec<Step>, senders: Vec<Sender>) -> Advised {
    let gate =
        Gate { name: "days", subject: "x".to_owned(), wanted: 30.0, found: 3.0, is_met: false, note: None };
    let plan = Plan {
        domain: DOMAIN.to_owned(),
        at,
        stage,
        stage_since,
        progress: 0.25,
        score: Some(Score::BEST),
        is_parked: false,
        readiness: Some(Readiness { target: Policy::Quarantine, gates: vec![gate] }),
        steps,
        perfect_since: Some(NOW - DAY),
    };
    let messages = senders.iter().map(|sender| sender.counts.messages).sum();
    let window = Window { from: 20_800, to: 20_832, days: 30, messages, is_grown: false };
    let traffic = Traffic { window, senders, ..Traffic::default() };
    Advised {
        plan,
        traffic,
        posture: Arc::new(posture(DOMAIN)),
        wishes: Preferences::default(),
        group: "acme".to_owned(),
    }
}

async fn keep(store: &Store, advised: &Advised) {
    let known = store.recollections(&[DOMAIN]).await.unwrap();
    adviser::keep(store, std::slice::from_ref(advised), &known, advised.plan.at).await.unwrap();
}

async fn texts(store: &Store, query: &str) -> Vec<String> {
    store.client().query_raw(query).fetch_all().await.unwrap()
}

async fn counts(store: &Store) -> [i64; 4] {
    let mut counts = [0; 4];
    for (count, table) in
        counts.iter_mut().zip(["domain_stages", "domain_steps", "domain_senders", "domain_events"])
    {
        *count = number(store, &format!("SELECT count() FROM {table}")).await;
    }
    counts
}

const EVENTS: &str = "SELECT concat(kind, ' ', subject) FROM domain_events FINAL ORDER BY kind, subject";

#[tokio::test]
async fn what_is_kept_is_what_was_found() {
    let store = Engine::shared().store().await;
    let steps = vec![step("spf.add", "s", State::Open), step("dkim.enable", "", State::Blocked)];
    keep(&store, &drawn(NOW, Stage::Monitoring, NOW - 3, steps, vec![sender("x", 80), sender("y", 20)]))
        .await;
    assert_eq!(counts(&store).await, [1, 2, 2, 0], "the first look is no news");

    let stage = "SELECT concat(domain, ' ', toString(day), ' ', group_name, ' ', stage, ' ', toString(toUnixTimestamp(stage_since)), \
         ' ', toString(progress), ' ', toString(assumeNotNull(score)), ' ', toString(toUnixTimestamp(assumeNotNull(perfect_since))), \
         ' ', toString(messages), ' ', toString(legitimate), ' ', toString(open_steps), ' ', toString(gates.name), \
         toString(gates.subject), toString(gates.wanted), toString(gates.found), toString(gates.met)) FROM domain_stages";
    assert_eq!(
        texts(&store, stage).await,
        [format!(
            "acme.example 2027-01-15 acme monitoring {} 0.25 5 {} 100 100 1 ['days']['x'][30][3][false]",
            NOW - 3,
            NOW - DAY
        )]
    );
    let steps = "SELECT concat(code, ' ', subject, ' ', toString(position), ' ', state, ' ', toString(toUnixTimestamp(opened_at)), ' ', \
         who, ' ', effort, ' ', risk, ' ', title, ' ', JSONExtractString(instructions, 1, 'value'), ' ', toString(values)) \
         FROM domain_steps ORDER BY position";
    let opened = NOW - 5 * DAY;
    let told = texts(&store, steps).await;
    let values = "{'selector':'s1','term':'include:x'}";
    assert!(told[0].starts_with(&format!("spf.add s 0 open {opened} dns minutes low ")), "{told:?}");
    assert!(told[0].ends_with(&format!(" v=spf1 -all {values}")), "{told:?}");
    assert!(told[1].starts_with(&format!("dkim.enable  1 blocked {opened} ")), "{told:?}");
    let senders = "SELECT concat(sender, ' ', name, ' ', class, ' ', rule, ' ', toString(messages), ' ', toString(passed), ' ', \
         toString(share), ' ', toString(toUInt16(first_day))) FROM domain_senders ORDER BY sender";
    assert_eq!(
        texts(&store, senders).await,
        ["service:x X aligned passes 80 80 0.5 20700", "service:y Y aligned passes 20 20 0.5 20700"]
    );

    let memories = store.memories(&[DOMAIN, "other.example"]).await.unwrap();
    assert_eq!(memories.len(), 1);
    let memory = &memories[DOMAIN];
    assert_eq!(memory.stage, Some((Stage::Monitoring, NOW - 3)));
    assert_eq!((memory.score, memory.perfect_since), (Some(50), Some(NOW - DAY)));
    let remembered: Vec<_> = memory
        .steps
        .iter()
        .map(|step| (step.code.as_str(), &*step.subject, step.state, step.opened_at))
        .collect();
    assert_eq!(remembered.len(), 2);
    assert!(remembered.contains(&("spf.add", "s", State::Open, opened)), "{remembered:?}");
}

#[tokio::test]
async fn a_run_may_be_repeated() {
    let store = Engine::shared().store().await;
    let run = |at, state| {
        drawn(at, Stage::Monitoring, NOW, vec![step("spf.add", "s", state)], vec![sender("x", 80)])
    };
    keep(&store, &run(NOW, State::Open)).await;
    let once = counts(&store).await;
    // The same again, and an hour later: nothing is another, and the day is the same.
    keep(&store, &run(NOW, State::Open)).await;
    keep(&store, &run(NOW + 3_600, State::Open)).await;
    assert_eq!(counts(&store).await, once);
    keep(&store, &run(NOW + 7_200, State::Done)).await;
    assert_eq!(texts(&store, EVENTS).await, ["step.done spf.add s"]);
    let after = counts(&store).await;
    assert_eq!(
        (after[0] - once[0], after[1] - once[1], after[2] - once[2]),
        (1, 1, 0),
        "only what is another"
    );
    // The next day everything is written once more, and nothing is told.
    keep(&store, &run(NOW + DAY, State::Done)).await;
    let next = counts(&store).await;
    assert_eq!(next.map(i64::from), [after[0] + 1, after[1] + 1, after[2] + 1, after[3]]);
    assert_eq!(number(&store, "SELECT count() FROM domain_stages FINAL").await, 2, "one a day");
    assert_eq!(number(&store, "SELECT count() FROM domain_steps FINAL").await, 1);
}

#[tokio::test]
async fn a_run_that_died_half_way_tells_nothing_twice() {
    let store = Engine::shared().store().await;
    let before = drawn(NOW, Stage::Monitoring, NOW - DAY, vec![step("spf.add", "", State::Open)], Vec::new());
    keep(&store, &before).await;
    let known = store.recollections(&[DOMAIN]).await.unwrap();
    let after = |at| drawn(at, Stage::Aligning, at, vec![step("spf.add", "", State::Done)], Vec::new());
    // Another receiver, or this one before it was killed, saw what was known before.
    for at in [NOW + 60, NOW + 120] {
        adviser::keep(&store, &[after(at)], &known, at).await.unwrap();
    }
    assert_eq!(texts(&store, EVENTS).await, ["stage.reached ", "step.done spf.add"]);
    assert_eq!(
        number(&store, "SELECT count() FROM domain_events").await,
        2,
        "not even before rows are merged"
    );
}

#[tokio::test]
async fn senders_that_vanish_do_not_stay_and_steps_nobody_can_tell_of_do() {
    let store = Engine::shared().store().await;
    let steps = vec![step("sender.fix", "service:y", State::Open), step("spf.add", "", State::Open)];
    keep(&store, &drawn(NOW, Stage::Monitoring, NOW, steps, vec![sender("x", 80), sender("y", 20)])).await;
    let steps = || vec![step("spf.add", "", State::Open)];
    for at in [NOW + 60, NOW + 120] {
        keep(&store, &drawn(at, Stage::Monitoring, NOW, steps(), vec![sender("x", 80)])).await;
    }
    let senders =
        "SELECT concat(sender, ' ', name, ' ', toString(messages)) FROM domain_senders FINAL ORDER BY sender";
    assert_eq!(texts(&store, senders).await, ["service:x X 80", "service:y Y 0"]);
    assert_eq!(number(&store, "SELECT count() FROM domain_senders").await, 3, "that it is gone is said once");
    // The plan leaves a step out as long as name servers do not answer about it.
    let steps = "SELECT concat(code, ' ', state) FROM domain_steps FINAL ORDER BY code";
    assert_eq!(texts(&store, steps).await, ["sender.fix open", "spf.add open"]);
    let memory = &store.memories(&[DOMAIN]).await.unwrap()[DOMAIN];
    assert!(memory.steps.iter().any(|step| step.code.as_str() == "sender.fix" && step.state == State::Open));
}

#[tokio::test]
async fn unusual_senders_are_told_of_once() {
    let store = Engine::shared().store().await;
    let unusual = |kind, messages| Unusual {
        kind,
        sender: SenderId::service("z"),
        name: "Z".to_owned(),
        class: Class::Undecided,
        rule: Rule("nothing_known"),
        day: 20_833,
        messages,
        usual: 3.0,
        limit: 9.0,
    };
    let run = |at| {
        let mut advised = drawn(at, Stage::Monitoring, NOW, Vec::new(), Vec::new());
        advised.traffic.unusual = vec![unusual(Kind::New, 7), unusual(Kind::Spike, 700)];
        // It is still reported, and it was before anybody looked.
        let before = Unusual { day: 20_832, ..unusual(Kind::Spike, 900) };
        advised.traffic.unusual.push(before);
        advised
    };
    keep(&store, &run(NOW)).await;
    assert_eq!(texts(&store, EVENTS).await, [""; 0], "its history is not news");
    for at in [NOW + 60, NOW + 3_600, NOW + 7_200] {
        keep(&store, &run(at)).await;
    }
    assert_eq!(texts(&store, EVENTS).await, ["sender.new service:z", "sender.spike service:z"]);
    assert_eq!(number(&store, "SELECT count() FROM domain_events").await, 2);
}

/// The whole of it: whatever the plan says, it is kept, once.
#[tokio::test]
async fn a_whole_run() {
    let store = Engine::shared().store().await;
    let catalog = Catalog::built_in().unwrap();
    let postures = [Arc::new(posture(DOMAIN)), Arc::new(posture("other.example"))];
    let run = async |now| {
        let settings = Settings { reports_to: vec!["@reports.example".to_owned()], ..Settings::default() };
        advise(&store, &catalog, &registry(), &postures, &settings, now).await.unwrap()
    };
    let first = run(NOW).await;
    assert_eq!(
        first.iter().map(|one| one.plan.domain.as_str()).collect::<Vec<_>>(),
        [DOMAIN, "other.example"]
    );
    assert!(first.iter().all(|one| one.group == "acme" && one.plan.at == NOW));
    let kept = counts(&store).await;
    assert_eq!(kept[0], 2);
    let second = run(NOW + 60).await;
    let stages =
        |all: &[Advised]| all.iter().map(|one| (one.plan.stage, one.plan.steps.len())).collect::<Vec<_>>();
    assert_eq!(stages(&first), stages(&second));
    assert_eq!(number(&store, "SELECT count() FROM domain_events").await, 0);
    assert_eq!(number(&store, "SELECT count() FROM domain_stages FINAL").await, 2);
}

#[tokio::test]
async fn the_page_survives_a_restart_and_forgets_what_is_gone() {
    let store = Engine::shared().store().await;
    let many = (0..30).map(|n| step("spf.entry", &format!("include:{n}\"\\"), State::Open));
    let advised = drawn(NOW, Stage::Quarantine, NOW, many.collect(), vec![sender("x", 1)]);
    keep(&store, &advised).await;
    let page = |adviser: &Adviser, registry: &Registry| adviser.metrics(registry).collect::<String>();
    let running = Adviser::new(&Settings::default());
    running.show(&[advised]);
    let restarted = Adviser::new(&Settings::default());
    restarted.restore(&store, &registry()).await.unwrap();
    for adviser in [&running, &restarted] {
        let page = page(adviser, &registry());
        for line in [
            "ruad_domain_stage{domain=\"acme.example\",group=\"acme\",stage=\"quarantine\"} 1\n",
            "ruad_domain_stage{domain=\"acme.example\",group=\"acme\",stage=\"reject\"} 0\n",
            "ruad_domain_progress_ratio{domain=\"acme.example\",group=\"acme\"} 0.25\n",
            "ruad_domain_open_steps{domain=\"acme.example\",group=\"acme\"} 30\n",
            "code=\"spf.entry\",subject=\"include:0\\\"\\\\\",",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
        assert_eq!(page.matches("ruad_domain_step{").count(), 20);
        let value = format!("who=\"dns\"}} {}\n", NOW - 5 * DAY);
        assert_eq!(page.matches(&value).count(), 20, "{page}");
        let gone = Registry::default();
        assert!(!adviser.metrics(&gone).collect::<String>().contains(DOMAIN));
    }
    let page = page(&running, &registry());
    assert!(page.contains(
        "ruad_domain_policy_ready{domain=\"acme.example\",group=\"acme\",policy=\"quarantine\"} 0\n"
    ));
}
