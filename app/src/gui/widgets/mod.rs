//! Small things that several panels draw. In: what to show. Out: an egui response. They know tokens, not the state.

mod button;
mod modal;
mod page;
mod progress;
mod row;
mod thumbnail;
mod verdict;

pub use button::{Kind, button, icon_button};
pub use modal::modal_frame;
pub use page::page;
pub use progress::{progress_bar, spinner};
pub use row::{Row, caption, group_heading, row};
pub use thumbnail::{paint_thumbnail, picture_failed, thumbnail_size};
pub use verdict::{paint_verdict, verdict_color, verdict_filter, verdict_name};
