//! From `p=none` to `p=reject`: what to do next for a domain, and when it is done.
//!
//! What DNS says ([`Posture`](crate::health::posture::Posture)) and what reports tell ([`Traffic`]) go in, together with what the owner wants ([`Preferences`](ruad_registry::Preferences))
//! and what earlier runs knew ([`Memory`]); a [`Plan`] comes out. Everything but the [`adviser`] is pure.

pub mod adviser;
pub mod classify;
pub mod events;
pub mod gather;
mod memory;
mod plan;
mod readiness;
pub mod rows;
mod score;
mod sender;
mod settings;
pub mod simulate;
mod stage;
mod step;
pub mod store;
pub mod telemetry;
mod traffic;
pub mod unusual;
#[cfg(test)]
pub(crate) mod world;

pub use adviser::{Advised, Adviser, advise};
pub use gather::{Subject, gather};
pub use memory::{KeptRow, KeptSender, KeptStage, Memory, Recollection, Remembered};
pub use plan::Plan;
pub use readiness::{Gate, Readiness};
pub use score::{COSTS, Cost};
pub use sender::{Class, Counts, RECENT_DAYS, Recent, Rule, Sender, Setup};
pub use settings::Settings;
pub use stage::Stage;
pub use step::{Effort, Instruction, RecordType, Risk, State, Step, StepCode, Wait, Who};
pub use traffic::{PolicyDays, Traffic, Window};
