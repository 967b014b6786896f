"""What scikit-learn's tools ask of an estimator: its kind, its features' names, and where `lengths` are to go.

Nothing here needs scikit-learn until it is asked for: `set_fit_request(lengths=True)` and the like have a meaning where
routing is switched on (`sklearn.set_config(enable_metadata_routing=True)`).
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.runtime.model import Model

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
    _estimator_type: ClassVar[str]  # `classifier` or `regressor`
    model_: Model

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """The names of the features, where the training sequences had them (frames, or what `datasets.read` gave).

        Raises:
            AttributeError: they had none, or nothing is fitted.
        """
        names = self.model_.features if hasattr(self, "model_") else None
        if names is None:
            raise AttributeError("the training sequences had no names of features")
        return np.array(names, object)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn's tools ask an estimator; nothing else calls it, so it need not be installed."""
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        return Tags(
            estimator_type=self._estimator_type,
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags() if self._estimator_type == "classifier" else None,
            regressor_tags=RegressorTags() if self._estimator_type == "regressor" else None,
            input_tags=InputTags(two_d_array=False, three_d_array=True),
        )

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
