"""Makes a tiny CLIP model with weights by chance: ``python clip.py FOLDER``; PyTorch is not for the tests' process."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from transformers import CLIPConfig, CLIPModel, CLIPProcessor, CLIPTokenizerFast
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

_SIDE, _TOKENS = 32, 16


def make(folder: Path) -> None:
    """Save the model as sentence-transformers does."""
    torch.manual_seed(0)
    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1, "pad_token_id": len(words) - 1}
    text = {**small, **ends, "vocab_size": len(words), "max_position_embeddings": _TOKENS}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config={**small, "image_size": _SIDE, "patch_size": 8}, projection_dim=12))
    tokenizer = CLIPTokenizerFast(vocab=vocabulary, merges=[], model_max_length=_TOKENS)
    images = CLIPImageProcessorPil(size={"shortest_edge": _SIDE}, crop_size={"height": _SIDE, "width": _SIDE})
    model.save_pretrained(folder / "parts")
    CLIPProcessor(images, tokenizer).save_pretrained(folder / "parts")
    SentenceTransformer(str(folder / "parts")).save(str(folder / "model"))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
