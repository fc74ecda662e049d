"""manage.py template_save NAME BLOCKS.json: create or change a template, and publish it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.content import lint, selectors, services
from apps.content.blocks import parse, with_ids
from apps.content.compiling import compile_message
from apps.content.design import BadTemplate, Problem
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.errors import Refused
from apps.core.permissions import Permission


def _told(problem: Problem) -> str:
    return f"Block {problem.block}: {problem.message}" if problem.block else problem.message


class Command(RoadCommand):
    help = "Create or change a template from blocks JSON, and publish it as a new version."
    permission = Permission.TEMPLATE_EDIT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("path", metavar="BLOCKS.json", help="the blocks, or - for standard input")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        try:
            raw = self.stdin() if options["path"] == "-" else Path(options["path"]).read_text(encoding="utf-8")
            data = with_ids(json.loads(raw))
        except OSError:
            raise CommandError(f"{options['path']} cannot be read. Check the path.") from None
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise CommandError(f"{options['path']} is not JSON: {error}.") from None
        if isinstance(data, dict) and "design" in data:  # a starter file carries more than its blocks
            data = data["design"]
        template = selectors.template_named(options["name"])
        brand = selectors.brand_facts(template.brand if template else None)
        try:
            compile_message(parse(data), brand)
        except BadTemplate as error:
            raise Refused("template.unusable", " ".join(_told(problem) for problem in error.problems)) from None
        if template is None:
            template = services.template_create(actor=actor, name=options["name"], data=data)
        else:
            template = services.template_save(
                actor=actor, template_id=template.pk, version=None, edit=lambda before: data
            )
        version = services.template_publish(actor=actor, template_id=template.pk)
        findings = lint.check(parse(selectors.draft_data(template)), brand)
        return {
            "template": options["name"],
            "version": version.number,
            "level": template.level,
            "errors": [finding.message for finding in findings if finding.error],
            "warnings": [finding.message for finding in findings if not finding.error],
        }

    def stdin(self) -> str:
        """Standard input."""
        return sys.stdin.read()

    def line(self, result: dict[str, Any]) -> str:
        words = [f"Saved “{result['template']}” as version {result['version']}."]
        words += [f"Error: {message}" for message in result["errors"]]
        words += [f"Look at: {message}" for message in result["warnings"]]
        return "\n".join(words)
