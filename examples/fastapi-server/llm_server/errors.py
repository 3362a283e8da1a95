"""Errors in the form of OpenAI's API. None repeats a prompt: it would end in some log."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

TYPES = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
RETRIED = (429, 503)
"""Statuses that another replica, or the same one soon, may not have."""


class ApiError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Detail(BaseModel):
    """What went wrong."""

    message: str
    type: str
    code: int


class Content(BaseModel):
    """Body of an error."""

    error: Detail


def content(status: int, message: str) -> Content:
    """Body of an error."""
    return Content(error=Detail(message=message, type=TYPES.get(status, "server_error"), code=status))


def response(status: int, message: str) -> JSONResponse:
    """The error as a response."""
    headers = {"Retry-After": "1"} if status in RETRIED else None
    return JSONResponse(content(status, message).model_dump(), status, headers)


def answer_errors(app: FastAPI) -> None:
    """Answers every error of the app."""

    @app.exception_handler(ApiError)
    async def _(_: Request, error: ApiError) -> JSONResponse:
        return response(error.status, error.message)

    @app.exception_handler(HTTPException)
    async def _(_: Request, error: HTTPException) -> JSONResponse:
        return response(error.status_code, error.detail)

    @app.exception_handler(RequestValidationError)
    async def _(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = (f"{'.'.join(map(str, each['loc'][1:])) or 'body'}: {each['msg']}" for each in error.errors())
        return response(400, "; ".join(faults))

    @app.exception_handler(Exception)
    async def _(_: Request, error: Exception) -> JSONResponse:
        return response(500, "the server failed: its log has the reason")
