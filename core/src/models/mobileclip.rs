//! MobileCLIP S1 and S2 (Vasu et al. 2024) as open_clip keeps them. In: open_clip_config.json and the weights. Out: an
//! encoder of candle-transformers' FastViT and text transformer. Must never know how pictures were decoded.
//!
//! candle's FastViT takes a branch of a re-parametrised block for absent whenever one of its tensors cannot be had. What
//! the architecture has is therefore listed here and looked for first; what is misshapen stays unused, which is an error.

use candle_core::{Device, Module, Tensor};
use candle_nn::Func;
use candle_transformers::models::fastvit;
use candle_transformers::models::openclip::text_model::{Config as TextConfig, OpenClipTextTransformer};
use serde_json::Value;

use super::checkpoint::OPEN_CLIP_WEIGHTS;
use super::preprocess::Preprocessing;
use super::towers::{ImageTower, TextTower, Towers};
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
        branches(&sizes.vision).iter().try_for_each(|name| weights.known_shape(name).map(|_| ()))?;
        let image = Image {
            tower: weights.build(|source| fastvit::fastvit(&sizes.vision, sizes.dim, source.pp("visual.trunk")))?,
            dim: sizes.dim,
        };
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
        let tokenizer = checkpoint.tokenizer(text.context)?.padded(0);
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
    vision: fastvit::Config,
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
        let vision = match tower_name(config) {
            Some("fastvit_mci1") => fastvit::Config::mci1(),
            Some("fastvit_mci2") => fastvit::Config::mci2(),
            other => return Err(wrong(format!("the image tower {other:?} is none of MobileCLIP S1 and S2"))),
        };
        // The text tower has no mask, and candle's knows no other.
        if config.pointer("/model_cfg/text_cfg/no_causal_mask").and_then(Value::as_bool) != Some(true) {
            return Err(wrong("the text tower is causal, which MobileCLIP's S1 and S2 are not".into()));
        }
        let (width, dim) = (number("text_cfg/width")?, number("embed_dim")?);
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

/// Every tensor of a branch that candle would leave out without a word.
fn branches(config: &fastvit::Config) -> Vec<String> {
    let mut convolutions = ["stem.0", "stem.1", "final_conv"].map(kxk_and_scale).concat();
    convolutions.push("stem.2.conv_kxk.0".into());
    let mut norms = vec!["stem.2.identity".to_owned()];
    let mut plain = vec!["stages.3.pos_emb.pos_enc".to_owned(), "final_conv.se.fc1".into(), "final_conv.se.fc2".into()];
    for stage in 1..4 {
        let proj = format!("stages.{stage}.downsample.proj");
        convolutions.extend(["0.large_conv", "0.small_conv", "1.conv_kxk.0"].map(|part| format!("{proj}.{part}")));
        norms.push(format!("{proj}.1.identity"));
        if stage > 1 {
            plain.extend(["fc1", "fc2"].map(|part| format!("{proj}.0.se.{part}")));
        }
    }
    for (stage, &count) in config.blocks.iter().enumerate().take(3) {
        for mixer in (0..count).map(|block| format!("stages.{stage}.blocks.{block}.token_mixer")) {
            norms.extend(["norm.identity", "mixer.identity"].map(|part| format!("{mixer}.{part}")));
            convolutions.extend(kxk_and_scale(&format!("{mixer}.mixer")));
        }
    }
    norms.extend(convolutions.iter().map(|name| format!("{name}.bn")));
    let kernels = convolutions.into_iter().map(|name| format!("{name}.conv.weight"));
    let norms = with_parts(&norms, &["weight", "bias", "running_mean", "running_var"]);
    let names = kernels.chain(norms).chain(with_parts(&plain, &["weight", "bias"]));
    names.map(|name| format!("visual.trunk.{name}")).collect()
}

fn kxk_and_scale(block: &str) -> Vec<String> {
    ["conv_kxk.0", "conv_scale"].map(|part| format!("{block}.{part}")).to_vec()
}

fn with_parts(names: &[String], parts: &[&str]) -> Vec<String> {
    names.iter().flat_map(|name| parts.iter().map(move |part| format!("{name}.{part}"))).collect()
}

struct Image {
    tower: Func<'static>,
    dim: usize,
}

impl ImageTower for Image {
    fn dim(&self) -> usize {
        self.dim
    }

    fn embed(&self, pixels: &Tensor) -> Result<Tensor> {
        Ok(self.tower.forward(pixels)?)
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
