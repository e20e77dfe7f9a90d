//! MobileCLIP S1 and S2 (Vasu et al. 2024) as open_clip keeps them. In: open_clip_config.json and the weights. Out: an
//! encoder of our FastViT and candle-transformers' text transformer. Must never know how pictures were decoded.

use candle_core::{Device, Module, Tensor};
use candle_transformers::models::openclip::text_model::{Config as TextConfig, OpenClipTextTransformer};
use serde_json::Value;

use super::checkpoint::OPEN_CLIP_WEIGHTS;
use super::fastvit::{FastVit, FastVitConfig};
use super::openclip::clip_tokenizer;
use super::preprocess::Preprocessing;
use super::towers::{TextTower, Towers};
use super::{Checkpoint, Encoder, Family};
use crate::error::{Error, Result};

const CONFIG: &str = "open_clip_config.json";

/// MobileCLIP in open_clip's layout.
pub(super) struct MobileClip;

impl Family for MobileClip {
    fn name(&self) -> &'static str {
        "mobileclip"
    }

    fn recognises(&self, checkpoint: &Checkpoint) -> bool {
        let config = checkpoint.json::<Value>(CONFIG).ok().flatten();
        config.is_some_and(|config| tower_name(&config).is_some_and(|name| name.starts_with("fastvit_mci")))
    }

    fn load(&self, checkpoint: &Checkpoint) -> Result<Box<dyn Encoder>> {
        let config: Value = checkpoint.needed_json(CONFIG)?;
        let sizes = Sizes::read(&config, checkpoint)?;
        let weights = checkpoint.weights(OPEN_CLIP_WEIGHTS)?;
        let identity = checkpoint.identity(&weights)?;
        let image = FastVit::load(sizes.vision, &weights.at("visual.trunk"))?;
        let text = Text {
            tower: weights.build(|source| OpenClipTextTransformer::new(source.pp("text"), &sizes.text))?,
            projection: weights.get("text.text_projection", &[sizes.text.embed_dim, sizes.dim])?,
            context: sizes.text.max_position_embeddings,
        };
        weights.finish()?;
        let side = sizes.image_size as u32;
        let preprocess = config.get("preprocess_cfg").unwrap_or(&Value::Null);
        let preprocessing = Preprocessing::from_open_clip(preprocess, (side, side), &checkpoint.file(CONFIG))?;
        // Without a causal mask the tower sees the padding, which is 0 in open_clip.
        let tokenizer = match checkpoint.has("tokenizer.json") {
            true => checkpoint.tokenizer(text.context)?,
            false => clip_tokenizer(checkpoint, text.context)?,
        };
        let tokenizer = tokenizer.padded(0);
        Ok(Box::new(Towers {
            identity,
            preprocessing,
            image: Box::new(image),
            text: Some((tokenizer, Box::new(text))),
        }))
    }
}

fn tower_name(config: &Value) -> Option<&str> {
    config.pointer("/model_cfg/vision_cfg/timm_model_name")?.as_str()
}

/// What the configuration says.
struct Sizes {
    vision: FastVitConfig,
    text: TextConfig,
    dim: usize,
    image_size: usize,
}

impl Sizes {
    fn read(config: &Value, checkpoint: &Checkpoint) -> Result<Self> {
        let wrong = |what: String| Error::bad_file(&checkpoint.file(CONFIG), what, "download the model again");
        let number = |path: &str| {
            let found = config.pointer(&format!("/model_cfg/{path}")).and_then(Value::as_u64);
            found.map(|number| number as usize).ok_or_else(|| wrong(format!("there is no number {path:?}")))
        };
        let dim = number("embed_dim")?;
        let vision = match tower_name(config) {
            // timm: fastvit_mci1 and fastvit_mci2.
            Some("fastvit_mci1") => FastVitConfig { width: 64, blocks: [4, 12, 20, 4], dim },
            Some("fastvit_mci2") => FastVitConfig { width: 80, blocks: [4, 12, 24, 4], dim },
            other => return Err(wrong(format!("the image tower {other:?} is none of MobileCLIP S1 and S2"))),
        };
        // The text tower has no mask, and candle's knows no other.
        if config.pointer("/model_cfg/text_cfg/no_causal_mask").and_then(Value::as_bool) != Some(true) {
            return Err(wrong("the text tower is causal, which MobileCLIP's S1 and S2 are not".into()));
        }
        let width = number("text_cfg/width")?;
        let ratio = config.pointer("/model_cfg/text_cfg/mlp_ratio").and_then(Value::as_f64);
        let text = TextConfig {
            vocab_size: number("text_cfg/vocab_size")?,
            embed_dim: width,
            // 4 is open_clip's default, which its files leave out.
            intermediate_size: (width as f64 * ratio.unwrap_or(4.0)) as usize,
            max_position_embeddings: number("text_cfg/context_length")?,
            pad_with: None,
            num_hidden_layers: number("text_cfg/layers")?,
            num_attention_heads: number("text_cfg/heads")?.max(1),
            projection_dim: dim,
        };
        Ok(Self { vision, text, dim, image_size: number("vision_cfg/image_size")? })
    }
}

struct Text {
    tower: OpenClipTextTransformer,
    projection: Tensor,
    context: usize,
}

impl TextTower for Text {
    fn embed(&self, rows: &[Vec<u32>]) -> Result<Tensor> {
        let ids = full_rows(rows, self.context)?;
        Ok(Module::forward(&self.tower, &ids)?.matmul(&self.projection)?)
    }
}

/// Rows of ids as a tensor `[n, context]`. The tokenizer pads: what a tower without a mask sees is not decided here.
pub(super) fn full_rows(rows: &[Vec<u32>], context: usize) -> Result<Tensor> {
    if let Some(row) = rows.iter().find(|row| row.len() != context) {
        let what = format!("{} ids where the text tower takes {context}", row.len());
        return Err(Error::bad_request(what, "the tokenizer belongs to another model, download the model again"));
    }
    Ok(Tensor::from_vec(rows.concat(), (rows.len(), context), &Device::Cpu)?)
}
