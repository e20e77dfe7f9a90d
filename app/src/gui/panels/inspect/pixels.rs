//! Whole pictures on the graphics card: those that were drawn in this frame or the last one, and no others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Context, TextureHandle, TextureId, TextureOptions};

use crate::gui::state::Picture;

/// How many of a picture's pixels are on the graphics card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// As many as a window shows of all of it.
    Reduced,
    /// All.
    Full,
}

/// The pictures that are there.
#[derive(Default)]
pub struct Pixels {
    kept: Vec<Kept>,
}

struct Kept {
    path: PathBuf,
    detail: Detail,
    texture: TextureHandle,
    last_drawn: u64,
}

impl Pixels {
    /// A picture's texture; uploaded if it is not there.
    pub fn texture(&mut self, path: &Path, picture: &Picture, detail: Detail, ctx: &Context) -> TextureId {
        let now = ctx.cumulative_pass_nr();
        self.kept.retain(|kept| kept.last_drawn + 1 >= now);
        let is_it = |kept: &&mut Kept| kept.path == path && kept.detail == detail;
        if let Some(kept) = self.kept.iter_mut().find(is_it) {
            kept.last_drawn = now;
            return kept.texture.id();
        }
        let image = if detail == Detail::Full { &picture.full } else { &picture.fit };
        let texture = ctx.load_texture("part", Arc::clone(image), TextureOptions::LINEAR);
        let id = texture.id();
        self.kept.push(Kept { path: path.to_owned(), detail, texture, last_drawn: now });
        id
    }

    /// Lets all of them go.
    pub fn forget(&mut self) {
        self.kept.clear();
    }
}
