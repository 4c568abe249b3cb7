"""Lists that are read: the files of the target, and test results."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django_filters.views import FilterView
from django_tables2 import SingleTableMixin

from tracking import home
from tracking.filters import FileFilter, LiveFileFilter, ResultFilter
from tracking.models import File, TestResult
from tracking.tables import FileTable, LiveFileTable, ResultTable


class FileList(LoginRequiredMixin, SingleTableMixin, FilterView):  # type: ignore[misc]
    """The files of file_audit; their V7 columns exist once a run has added them."""

    template_name = "pages/table.html"
    table_pagination = {"per_page": 50}

    def get_queryset(self) -> QuerySet[File]:
        """Return the files in the order of their numbers."""
        return File.objects.order_by("file_number")

    def get_filterset_class(self) -> Any:
        """Return the filters that the current home can answer."""
        return LiveFileFilter if home.current() == home.LIVE else FileFilter

    def get_table_class(self) -> Any:
        """Return the columns that the target has now."""
        return LiveFileTable if home.current() == home.LIVE else FileTable

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say which columns are not there yet."""
        lead = "The files of file_audit in the target."
        if home.current() == home.PLANNING:
            lead += " The twelve V7 columns are added by the run; until then only the audit's own columns exist."
        context: dict[str, Any] = super().get_context_data(
            title="Files", lead=lead, new=("file-inventory", "Inventory of files"), **kwargs
        )
        return context


class ResultList(LoginRequiredMixin, SingleTableMixin, FilterView):  # type: ignore[misc]
    """Test results, newest first."""

    table_class = ResultTable
    filterset_class = ResultFilter
    template_name = "pages/table.html"
    table_pagination = {"per_page": 50}
    extra_context = {"title": "Test results", "lead": "What was tested, by whom, and how it ended."}

    def get_queryset(self) -> QuerySet[TestResult]:
        """Return the results."""
        return TestResult.objects.all()
