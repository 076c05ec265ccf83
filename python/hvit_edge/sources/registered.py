"""List the registered names, so that a misspelled one is refused before torch is imported."""

REGISTERED = (
    "conformer1d_s",
    *("conformer_b", "conformer_s", "conformer_ti"),
    *("mobilevit_s", "mobilevit_xs", "mobilevit_xxs"),
    *("shunted_b", "shunted_s", "shunted_t"),
    "swin_t",
)
