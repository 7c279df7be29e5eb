//! How well owners and forgers are told apart, measured on senders with labels.

use std::{collections::BTreeMap, fmt::Write as _};

use ruad::{
    advice::{
        Class, Settings,
        gather::{Subject, gather},
    },
    sources::Catalog,
};
use ruad_registry::Preferences;

use crate::{
    engine::Engine,
    reported::posture,
    world::{Truth, World},
};

/// The first seed is the one the rules were looked at with, the others were held back.
const SEEDS: [u64; 3] = [1, 20_261_122, 987_654_321];
const DOMAINS: u32 = 80;
const TODAY: u32 = 20_770;

/// Senders (and messages) by what they are and what they are held for.
#[derive(Default)]
struct Confusion {
    senders: BTreeMap<(Truth, Class), u64>,
    messages: BTreeMap<(Truth, Class), u64>,
    families: BTreeMap<(Truth, &'static str), BTreeMap<Class, u64>>,
}

#[tokio::test]
async fn forgers_and_owners_are_told_apart() {
    for seed in SEEDS {
        let found = measure(seed).await;
        println!("seed {seed}\n{}", found.table());
        // What nobody can tell is undecided: for a forger that counts as missed.
        for counts in [&found.senders, &found.messages] {
            let (precision, recall) = precision_and_recall(counts);
            println!("precision {precision:.4}, recall {recall:.4}");
            assert!(precision >= 0.95, "{precision}");
        }
        let (precision, recall) = precision_and_recall(&found.senders);
        assert!(precision >= 0.95 && recall >= 0.95, "{precision} {recall}");
        // Precision is easy where forgers are many. This is what owners would feel.
        let lost = found.share(Truth::Legitimate, Class::Threat);
        println!(
            "legitimate senders held for threats: {lost:.4}; forwarders: {:.4}",
            found.share(Truth::Forwarder, Class::Threat)
        );
        assert!(lost <= 0.02, "{lost}");
        assert!(found.share(Truth::Forwarder, Class::Threat) <= 0.05);
        assert!(found.share(Truth::Threat, Class::Aligned) == 0.0);
    }
}

async fn measure(seed: u64) -> Confusion {
    let store = Engine::shared().store().await;
    let mut world = World::new(seed, TODAY);
    let domains: Vec<_> = (0..DOMAINS).map(|number| world.domain(number)).collect();
    world.sources();
    std::mem::take(&mut world.rows).store(&store).await;
    let wishes = Preferences::default();
    let postures: Vec<_> =
        domains.iter().map(|domain| posture(&domain.name, domain.entries.clone())).collect();
    let subjects: Vec<_> = postures.iter().map(|posture| Subject { posture, wishes: &wishes }).collect();
    let catalog = Catalog::built_in().unwrap();
    let traffic = gather(&store, &catalog, &subjects, TODAY, &Settings::default()).await.unwrap();
    let mut found = Confusion::default();
    for (domain, traffic) in domains.iter().zip(&traffic) {
        assert!(!traffic.window.is_grown, "{}", domain.name);
        let classes: BTreeMap<_, _> =
            traffic.senders.iter().map(|sender| (sender.id.as_str(), sender)).collect();
        let mut told = 0;
        for (id, labels) in &domain.senders {
            let sender = classes.get(id.as_str()).or_else(|| classes.get("net:others"));
            let sender = sender.unwrap_or_else(|| panic!("{} has no {id}", domain.name));
            // Where an owner and a forger share a name, the owner's mail is what could be lost.
            let truth = *labels.by_truth.keys().next().unwrap();
            *found.senders.entry((truth, sender.class)).or_default() += 1;
            for (truth, messages) in &labels.by_truth {
                *found.messages.entry((*truth, sender.class)).or_default() += messages;
                told += messages;
            }
            for family in labels.families.keys() {
                *found.families.entry((truth, family)).or_default().entry(sender.class).or_default() += 1;
            }
        }
        assert_eq!(told, traffic.window.messages, "{}: every message is somebody's", domain.name);
    }
    found
}

fn precision_and_recall(counts: &BTreeMap<(Truth, Class), u64>) -> (f64, f64) {
    let sum = |is: &dyn Fn(Truth, Class) -> bool| {
        counts.iter().filter(|((truth, class), _)| is(*truth, *class)).map(|(_, n)| n).sum::<u64>() as f64
    };
    let hit = sum(&|truth, class| truth == Truth::Threat && class == Class::Threat);
    (hit / sum(&|_, class| class == Class::Threat), hit / sum(&|truth, _| truth == Truth::Threat))
}

impl Confusion {
    /// How many of these senders are held for that.
    fn share(&self, truth: Truth, class: Class) -> f64 {
        let all: u64 = self.senders.iter().filter(|((is, _), _)| *is == truth).map(|(_, n)| n).sum();
        self.senders.get(&(truth, class)).copied().unwrap_or_default() as f64 / all as f64
    }

    fn table(&self) -> String {
        let mut text = String::from("                                      ");
        Class::ALL.iter().for_each(|class| write!(text, "{:>11}", class.name()).unwrap());
        for (name, counts) in [("senders", &self.senders), ("messages", &self.messages)] {
            for truth in [Truth::Legitimate, Truth::Forwarder, Truth::Threat] {
                write!(text, "\n{:38}", format!("{truth:?}, {name}")).unwrap();
                for class in Class::ALL {
                    write!(text, "{:>11}", counts.get(&(truth, class)).copied().unwrap_or_default()).unwrap();
                }
            }
        }
        for ((truth, family), classes) in &self.families {
            write!(text, "\n{:38}", format!("{truth:?}: {family}")).unwrap();
            for class in Class::ALL {
                write!(text, "{:>11}", classes.get(&class).copied().unwrap_or_default()).unwrap();
            }
        }
        text + "\n"
    }
}
