//! Query + snapshot → hits. Pure: no files, no clocks, no models (texts and pictures arrive as unit vectors).

mod band;
mod dot;
mod filter;
mod hit;
mod name;
mod nearest;
mod query;

pub use band::Band;
pub use filter::{Filter, day_start};
pub use hit::{Hit, Why, search};
pub use nearest::{Matrix, Scored, nearest};
pub use query::{Query, Sort, Term};
