"""Answers of a cloud, held against its own description: a test that makes up a parameter or a member fails.

AWS: the models in botocore. Alibaba Cloud: `alicloud_shapes.json`, whose rows are the members of the SDK's own classes
(aliyun/alibabacloud-python-sdk: ecs-20140526 7.11.8, cs-20151215 7.2.3, vpc-20160428 7.2.2, kms-20160120 3.3.1,
ram-20150501 1.3.0, alidns-20150109 4.6.1, nas-20170626 3.7.5, cr-20181201 2.2.5, slb-20140515
3.3.31, tag-20180828 1.1.2; GetCallerIdentity: the STS API reference); null is a plain value.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from llmplatform.doctor.checks import Ask
from llmplatform.doctor.on_aws.account import CLIENTS

_SESSION = botocore.session.get_session()
SHAPES: Mapping[str, Any] = json.loads(Path(__file__).with_name("alicloud_shapes.json").read_text())


def operation(action: str) -> Any:
    """botocore's model of an action."""
    service, _, name = action.partition(":")
    return _SESSION.get_service_model(CLIENTS.get(service, service)).operation_model(name)


def valid(shape: Any, value: Any) -> None:
    """Fails where a value has not the shape."""
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()


def aws(**answers: Any) -> Ask:
    """An account that answers each action as said, by its name alone: a document, a function of the parameters, or
    something to raise."""

    def ask(action: str, /, **parameters: Any) -> Any:
        model, answer = operation(action), answers[action.partition(":")[2]]
        if model.input_shape:
            valid(model.input_shape, parameters)
        found = answer(**parameters) if callable(answer) else answer
        if isinstance(found, Exception):
            raise found
        if model.output_shape:
            valid(model.output_shape, {name: each for name, each in found.items() if name != "ResponseMetadata"})
        return found

    return ask


def alicloud(**answers: Any) -> Ask:
    """The same of an account of Alibaba Cloud."""

    def ask(action: str, /, **parameters: Any) -> Any:
        request, answer = SHAPES[action]["request"], answers[action.partition(":")[2]]
        assert {*parameters} - {"body"} <= {*request}, f"{action} takes {request}"
        found = answer(**parameters) if callable(answer) else answer
        if isinstance(found, Exception):
            raise found
        fits(SHAPES[action]["response"], found, action)
        return found

    return ask


def fits(shape: Any, value: Any, path: str) -> None:
    """Fails where a value has a member that its shape has not."""
    if isinstance(shape, list):
        assert isinstance(value, list), path
        for each in value:
            fits(shape[0], each, f"{path}[]")
    elif isinstance(shape, dict):
        assert isinstance(value, dict), path
        unknown = {*value} - {*shape}
        assert not unknown, f"{path} has no {unknown}"
        for key, each in value.items():
            fits(shape[key], each, f"{path}.{key}")
