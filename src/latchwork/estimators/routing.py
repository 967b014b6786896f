"""scikit-learn's metadata routing: `lengths` and `sample_weight` on their way to `fit`, `predict` and `score`.

Nothing here needs scikit-learn until it is asked for: `set_fit_request(lengths=True)` and the like have a meaning where
routing is switched on (`sklearn.set_config(enable_metadata_routing=True)`).
"""

from __future__ import annotations

from typing import Any, Self

from latchwork.core.errors import InputError

REQUESTS: dict[str, tuple[str, ...]] = {
    "fit": ("lengths", "sample_weight", "validation_data"),
    "predict": ("lengths",),
    "predict_proba": ("lengths",),
    "score": ("lengths", "sample_weight"),
}
"""What each method takes beside X and y."""


class Routed:
    """The methods that scikit-learn's tools look for."""

    _metadata_request: Any  # scikit-learn's own name: `clone` copies it

    def get_metadata_routing(self) -> Any:
        """What each method asks for, as scikit-learn's `MetadataRequest`."""
        from sklearn.utils.metadata_routing import MetadataRequest

        asked = self.__dict__.get("_metadata_request")
        if asked is not None:
            return asked
        request: Any = MetadataRequest(owner=self)
        for method, names in REQUESTS.items():
            for name in names if hasattr(type(self), method) else ():
                getattr(request, method).add_request(param=name, alias=None)
        return request

    def set_fit_request(self, **asked: bool | str | None) -> Self:
        """Say which of `lengths`, `sample_weight` and `validation_data` a tool of scikit-learn hands to `fit`."""
        return self._set_request("fit", asked)

    def set_predict_request(self, **asked: bool | str | None) -> Self:
        """Say whether a tool of scikit-learn hands `lengths` to `predict`."""
        return self._set_request("predict", asked)

    def set_score_request(self, **asked: bool | str | None) -> Self:
        """Say which of `lengths` and `sample_weight` a tool of scikit-learn hands to `score`."""
        return self._set_request("score", asked)

    def _set_request(self, method: str, asked: dict[str, bool | str | None]) -> Self:
        if unknown := asked.keys() - set(REQUESTS[method]):
            raise InputError(f"{method} takes no {min(unknown)}: it takes {', '.join(REQUESTS[method])}")
        request = self.get_metadata_routing()
        for name, alias in asked.items():
            getattr(request, method).add_request(param=name, alias=alias)
        self._metadata_request = request
        return self
