//! `sightline embed`: the embeddings of texts or of pictures, as a NumPy file.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use sightline_core::engine::LoadedModel;
use sightline_core::models::UnitVector;

use super::output::Output;
use super::{Done, Global, npy};

#[derive(Args)]
pub struct Embed {
    /// Texts, one row each
    #[arg(long, value_name = "T", num_args = 1.., required_unless_present = "files")]
    text: Vec<String>,
    /// Pictures, one row each
    #[arg(value_name = "FILE", conflicts_with = "text")]
    files: Vec<PathBuf>,
    /// Where the vectors go
    #[arg(long, value_name = "FILE.npy")]
    out: PathBuf,
}

impl Embed {
    pub fn run(&self, global: &Global, output: &Output) -> Result<Done> {
        let model = LoadedModel::open(&global.settings()?)?;
        let vectors =
            if self.files.is_empty() { model.embed_texts(&self.text)? } else { model.embed_files(&self.files)? };
        let dim = model.encoder().dim();
        if vectors.is_empty() {
            bail!("nothing to embed; give files, or texts with --text");
        }
        let values: Vec<f32> = vectors.iter().flat_map(UnitVector::as_slice).copied().collect();
        npy::write(&self.out, &[vectors.len(), dim], &values)?;
        let id = &model.encoder().identity().id;
        output.answer(&json!({ "rows": vectors.len(), "dim": dim, "model": id }), || {
            format!("{} vectors of {dim} numbers by {id} in {}", vectors.len(), self.out.display())
        })?;
        Ok(Done::Cleanly)
    }
}
