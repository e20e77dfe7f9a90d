//! `sightline patches`: the patch features of one picture, as a NumPy file.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use sightline_core::engine::LoadedModel;

use super::output::Output;
use super::{Done, Global, npy};

#[derive(Args)]
pub struct Patches {
    /// The picture
    file: PathBuf,
    /// Where the features go: [layers, rows, columns, dim]
    #[arg(long, value_name = "FILE.npy")]
    out: PathBuf,
    /// The longer side in pixels, brought to a multiple of the patch size [default: the model's own]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(16..=4096))]
    size: Option<u16>,
}

impl Patches {
    pub fn run(&self, global: &Global, output: &Output) -> Result<Done> {
        let model = LoadedModel::open(&global.settings()?)?;
        let features = model.patches(&self.file, self.size.map(usize::from))?;
        let shape = [features.layers, features.rows, features.columns, features.dim];
        npy::write(&self.out, &shape, &features.values)?;
        let [layers, rows, columns, dim] = shape;
        output.answer(&json!({ "layers": layers, "rows": rows, "columns": columns, "dim": dim }), || {
            format!("{layers} layers of {rows} × {columns} patches of {dim} numbers in {}", self.out.display())
        })?;
        Ok(Done::Cleanly)
    }
}
