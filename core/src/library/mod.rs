//! Folders → what must be done. In: added folders, the records of the last time. Out: a plan (new, changed, moved,
//! gone), and events while folders change. Reads folders, never writes to them; embeds nothing.

mod plan;
mod scan;
mod watch;

pub use plan::{Plan, Settled, plan, settle};
pub use scan::{Found, Scan, scan};
pub use watch::{Watch, WatchEvent, noticed, watch};
