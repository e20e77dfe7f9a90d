//! A checkpoint of CLIP's form with random weights. In: a folder and the shape. Out: config.json,
//! preprocessor_config.json, tokenizer.json and model.safetensors (f16) as the hub has them.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use sightline_core::Result;

/// How large the two towers are.
pub struct Shape {
    side: usize,
    patch: usize,
    width: usize,
    text_width: usize,
    layers: usize,
    dim: usize,
    tokens: usize,
}

impl Shape {
    /// OpenAI's ViT-B/32. The text tower is cut to one layer: it is not measured.
    pub const VIT_B_32: Self =
        Self { side: 224, patch: 32, width: 768, text_width: 512, layers: 12, dim: 512, tokens: 49_408 };
    /// OpenAI's ViT-B/16, likewise.
    pub const VIT_B_16: Self = Self { patch: 16, ..Self::VIT_B_32 };
    /// OpenAI's ViT-L/14, likewise.
    pub const VIT_L_14: Self = Self { patch: 14, width: 1024, layers: 24, dim: 768, ..Self::VIT_B_32 };
    /// As small as the form allows.
    pub const TINY: Self = Self { side: 32, patch: 16, width: 64, text_width: 64, layers: 1, dim: 32, tokens: 49_408 };
}

/// Writes the checkpoint into `folder`.
pub fn write(folder: &Path, shape: &Shape) -> Result<()> {
    let tokenizer = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/tokenizers/clip/tokenizer.json");
    fs_err::copy(tokenizer, folder.join("tokenizer.json"))?;
    fs_err::write(folder.join("config.json"), config(shape).to_string())?;
    fs_err::write(folder.join("preprocessor_config.json"), preprocessor(shape).to_string())?;
    candle_core::safetensors::save(&tensors(shape)?, folder.join("model.safetensors"))?;
    Ok(())
}

fn config(shape: &Shape) -> serde_json::Value {
    let Shape { side, patch, width, text_width, layers, dim, tokens } = shape;
    serde_json::json!({
        "model_type": "clip",
        "projection_dim": dim,
        "vision_config": {
            "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers,
            "num_attention_heads": width / 64, "image_size": side, "patch_size": patch, "num_channels": 3,
            "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "projection_dim": dim,
        },
        "text_config": {
            "hidden_size": text_width, "intermediate_size": 4 * text_width, "num_hidden_layers": 1,
            "num_attention_heads": text_width / 64, "max_position_embeddings": 77, "vocab_size": tokens,
            "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "eos_token_id": 2, "projection_dim": dim,
        },
    })
}

fn preprocessor(shape: &Shape) -> serde_json::Value {
    serde_json::json!({
        "image_processor_type": "CLIPImageProcessor", "do_resize": true, "do_center_crop": true, "do_normalize": true,
        "do_rescale": true, "rescale_factor": 1.0 / 255.0, "do_convert_rgb": true, "resample": 3,
        "size": { "shortest_edge": shape.side }, "crop_size": { "height": shape.side, "width": shape.side },
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
    })
}

fn tensors(shape: &Shape) -> Result<HashMap<String, Tensor>> {
    let Shape { side, patch, width, text_width, layers, dim, tokens } = *shape;
    let positions = (side / patch) * (side / patch) + 1;
    let mut tensors = Tensors(HashMap::new());
    let vision = "vision_model";
    tensors.random(format!("{vision}.embeddings.class_embedding"), &[width])?;
    tensors.random(format!("{vision}.embeddings.patch_embedding.weight"), &[width, 3, patch, patch])?;
    tensors.random(format!("{vision}.embeddings.position_embedding.weight"), &[positions, width])?;
    tensors.norm(&format!("{vision}.pre_layrnorm"), width)?;
    tensors.norm(&format!("{vision}.post_layernorm"), width)?;
    tensors.blocks(vision, layers, width)?;
    tensors.random("visual_projection.weight".to_owned(), &[dim, width])?;
    tensors.random("text_model.embeddings.token_embedding.weight".to_owned(), &[tokens, text_width])?;
    tensors.random("text_model.embeddings.position_embedding.weight".to_owned(), &[77, text_width])?;
    tensors.norm("text_model.final_layer_norm", text_width)?;
    tensors.blocks("text_model", 1, text_width)?;
    tensors.random("text_projection.weight".to_owned(), &[dim, text_width])?;
    tensors.random("logit_scale".to_owned(), &[])?;
    Ok(tensors.0)
}

struct Tensors(HashMap<String, Tensor>);

impl Tensors {
    fn random(&mut self, name: String, shape: &[usize]) -> Result<()> {
        let tensor = Tensor::randn(0f32, 0.03, shape, &Device::Cpu)?.to_dtype(DType::F16)?;
        self.0.insert(name, tensor);
        Ok(())
    }

    fn norm(&mut self, name: &str, width: usize) -> Result<()> {
        self.0.insert(format!("{name}.weight"), Tensor::ones(width, DType::F16, &Device::Cpu)?);
        self.random(format!("{name}.bias"), &[width])
    }

    fn linear(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<()> {
        self.random(format!("{name}.weight"), &[outputs, inputs])?;
        self.random(format!("{name}.bias"), &[outputs])
    }

    fn blocks(&mut self, tower: &str, layers: usize, width: usize) -> Result<()> {
        for layer in 0..layers {
            let block = format!("{tower}.encoder.layers.{layer}");
            for projection in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                self.linear(&format!("{block}.self_attn.{projection}"), width, width)?;
            }
            self.norm(&format!("{block}.layer_norm1"), width)?;
            self.norm(&format!("{block}.layer_norm2"), width)?;
            self.linear(&format!("{block}.mlp.fc1"), width, 4 * width)?;
            self.linear(&format!("{block}.mlp.fc2"), 4 * width, width)?;
        }
        Ok(())
    }
}
