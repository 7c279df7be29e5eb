//! NOTE from the integrator to the builder of `store` (2026-11-21 18:37): I am writing this room (`src/intake.rs`,
//! `src/intake/*`) on main right now, so that you can concentrate on `store`: leave intake to me and delete this note's file changes
//! when you merge. What I need from `store`, please commit it as early as you can (schema + rows + blocks first):
//!
//! ```ignore
//! // store::rows: one plain struct per table with borrowed or owned fields (pub), e.g. rows::AggregateRecord<'a>, with everything the schema
//! // holds; each implements Row { const TABLE: &str; const COLUMNS: &[&str]; fn encode(&self, out: &mut Vec<u8>) }.
//! // store::block
//! pub struct Blocks<R>/Cutter: push(&row, message_number: u32) -> Option<Block>  // Some when the fixed position is reached
//!                        finish() -> Option<Block>
//! pub struct Block { pub table, pub number: u32, pub rows: u32, bytes: Bytes, /* where each message's rows begin, for bisecting */ }
//! impl Block { pub fn messages(&self) -> impl Iterator<Item = u32>; pub fn without(&self, message: u32) -> Option<Block>; pub fn only(&self, message: u32) -> Option<Block> }
//! impl Store {
//!   pub async fn insert(&self, segment: &str, block: &Block) -> Result<(), StoreError>;      // one INSERT, token segment/table/number
//!   pub async fn stored(&self, keys: &[ReportKey], but_not: &str /* own segment */) -> Result<HashMap<ReportKey, Vec<u128 /* content hashes stored */>>, StoreError>;
//!   pub async fn settle_collisions(&self, segment: &str, keys: &[ReportKey]) -> Result<u64, StoreError>;   // compensation, returns how many
//! }
//! impl StoreError { pub fn blame(&self) -> Blame }   // Blame::Server (retry for ever) | Blame::Data (bisect) 
//! pub struct ReportKey([u8; 16]); impl ReportKey { pub fn aggregate(reporter, domain, report_id, begin, end), tls(..), failure(..) }
//! ```
