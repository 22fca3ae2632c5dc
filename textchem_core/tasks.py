"""The five tasks of Text+Chem T5, in one table.

A task says what the model is asked (the prompt), what kind of text goes in and comes out, and shows an
example. What is done to a text of each kind is in ``textchem_core.text.cleanup``; this file imports
nothing.

Source: Christofidellis et al., "Unifying Molecular and Textual Representations via Multi-task Language
Modelling", ICML 2023, and the prompts of the released code (GT4SD/multitask_text_and_chemistry_t5).
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["molecule", "compounds", "text", "actions"]
"""``molecule``: one SMILES. ``compounds``: SMILES joined by ``.``, where ``~`` joins the fragments of one
compound. ``text``: English. ``actions``: ``VERB arguments; VERB arguments.``"""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task of the table.

    Args:
        name: The one spelling used in flags, data rows and files.
        prompt: What precedes the input, without the blank that follows it.
        other_prompts: Published variants, accepted when a ``source`` is read and never written.
        input_kind: What the user supplies.
        target_kind: What the model writes.
        example: An input that shows the task at work.
    """

    name: str
    prompt: str
    other_prompts: tuple[str, ...] = ()
    input_kind: Kind
    target_kind: Kind
    example: str

    def source(self, text: str) -> str:
        """Return the text the encoder reads: the prompt, one blank, the input."""
        return f"{self.prompt} {text}"


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="forward",
            prompt="Predict the product of the following reaction:",
            input_kind="compounds",
            target_kind="compounds",
            example="CC(=O)OC(C)=O.Nc1ccc(O)cc1",
        ),
        Task(
            name="retrosynthesis",
            prompt="Predict the reaction that produces the following product:",
            input_kind="compounds",
            target_kind="compounds",
            example="CC(=O)Oc1ccccc1C(=O)O",
        ),
        Task(
            name="paragraph2actions",
            prompt="Which actions are described in the following paragraph:",
            input_kind="text",
            target_kind="actions",
            example=(
                "The residue was partitioned between ethyl acetate (50 mL) and water (50 mL). The organic "
                "layer was collected, washed with brine, dried over Na2SO4, filtered and concentrated."
            ),
        ),
        Task(
            name="description2smiles",
            prompt="Write in SMILES the described molecule:",
            input_kind="text",
            target_kind="molecule",
            example=(
                "The molecule is a primary alcohol that is ethane carrying one hydroxy group. "
                "It has a role as a solvent."
            ),
        ),
        Task(
            name="smiles2caption",
            prompt="Caption the following SMILES:",
            other_prompts=("Caption the following molecule:",),
            input_kind="molecule",
            target_kind="text",
            example="Cn1c(=O)c2c(ncn2C)n(C)c1=O",
        ),
    )
}


def split_source(source: str) -> tuple[Task, str] | None:
    """Split a published ``source`` into its task and its input.

    Args:
        source: Prompt, blank, input, as in the original's data files.

    Returns:
        The task and the input without the blank after the prompt, or None where no prompt of the table
        begins the source.
    """
    for task in TASKS.values():
        for prompt in (task.prompt, *task.other_prompts):
            if source.startswith(prompt):
                return task, source[len(prompt) :].removeprefix(" ")
    return None
