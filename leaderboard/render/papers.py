"""Links to papers: the arXiv number or doi that a citation gives, or that belongs to its authors."""

from __future__ import annotations

import re

ARXIV = {
    "Ahmadian et al. 2024": "2402.14740",
    "Azar et al. 2023": "2310.12036",
    "Chen et al. 2024 (ODIN)": "2402.07319",
    "Chowdhury et al. 2024": "2403.00409",
    "Ethayarajh et al. 2024": "2402.01306",
    "Hong et al. 2024": "2403.07691",
    "Jung et al. 2024": "2404.04656",
    "Lin, Ben-Michael & Morency": "2402.14979",
    "Liu et al. 2023 (RSO)": "2309.06657",
    "Meng et al. 2024": "2405.14734",
    "Rafailov et al. 2023": "2305.18290",
    "Zhao et al. 2023 (SLiC-HF)": "2305.10425",
    "Zheng et al. 2025": "2404.16792",
}


def find_links(citation: str) -> tuple[tuple[str, str], ...]:
    """Name and address of each paper that a citation names.

    Example:
        >>> find_links("Butcher 2024, arXiv 2401.09566 (reconstruction)")
        (('arXiv 2401.09566', 'https://arxiv.org/abs/2401.09566'),)
    """
    numbers = re.findall(r"arXiv (\d{4}\.\d{4,5})", citation)
    numbers += [number for name, number in ARXIV.items() if name in citation]
    found = [(f"arXiv {number}", f"https://arxiv.org/abs/{number}") for number in dict.fromkeys(numbers)]
    found += [
        (f"doi {doi}", f"https://doi.org/{doi}") for doi in re.findall(r"doi (10\.\S+?)(?=[;,)]|$)", citation)
    ]
    return tuple(found)
