"""The initial weights of a T5, as Mesh TensorFlow draws them."""

from torch import Tensor, nn

from textchem_core.config import T5Config
from textchem_core.model.attention import MultiHeadAttention, RelativePositionBias
from textchem_core.model.layers import FeedForward, GatedFeedForward


def initialize(model: nn.Module, config: T5Config) -> None:
    """Draw every weight from a normal distribution whose width keeps activations at unit scale.

    ``q`` is narrower than ``k`` by ``sqrt(d_kv)``: that is the scale attention itself leaves out. The norms
    start at ``initializer_factor``. An untied output projection starts at ``d_model ** -0.5``, a dense
    layer's width; transformers uses 1.0 there, which makes the first logits ``sqrt(d_model)`` too wide.

    Args:
        model: A T5; its weights are overwritten.
        config: Of that model.

    Source: tensorflow/mesh ``transformer/attention.py`` (``AttentionParams``), ``transformer_layers.py``
    and ``layers.py`` (``dense``); transformers ``models/t5/modeling_t5.py``, ``_init_weights``.
    """
    factor = config.initializer_factor
    d_inner = config.num_heads * config.d_kv

    def normal(weight: Tensor, std: float) -> None:
        nn.init.normal_(weight, mean=0.0, std=factor * std)

    for module in model.modules():
        if isinstance(module, nn.Embedding):
            normal(module.weight, 1.0)
        elif isinstance(module, MultiHeadAttention):
            normal(module.q.weight, (config.d_model * config.d_kv) ** -0.5)
            normal(module.k.weight, config.d_model**-0.5)
            normal(module.v.weight, config.d_model**-0.5)
            normal(module.o.weight, d_inner**-0.5)
        elif isinstance(module, RelativePositionBias):
            normal(module.weight, config.d_model**-0.5)
        elif isinstance(module, FeedForward):
            normal(module.wi.weight, config.d_model**-0.5)
            normal(module.wo.weight, config.d_ff**-0.5)
        elif isinstance(module, GatedFeedForward):
            normal(module.wi_0.weight, config.d_model**-0.5)
            normal(module.wi_1.weight, config.d_model**-0.5)
            normal(module.wo.weight, config.d_ff**-0.5)
    for name, parameter in model.named_parameters():
        if name.endswith("norm.weight"):
            nn.init.constant_(parameter, factor)
        elif name == "lm_head.weight":
            normal(parameter, config.d_model**-0.5)
