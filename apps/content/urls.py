from django.urls import path

from apps.content.views import assets, brands, editor, templates

app_name = "content"
urlpatterns = [
    path("", templates.template_list, name="list"),
    path("new/", templates.template_new, name="new"),
    path("starters/<slug:slug>/preview/", templates.starter_preview, name="starter_preview"),
    path("<int:pk>/", editor.template_edit, name="edit"),
    path("<int:pk>/change/", editor.template_change, name="change"),
    path("<int:pk>/copy/", editor.template_keep_copy, name="keep_copy"),
    path("<int:pk>/panel/", editor.settings_panel, name="panel"),
    path("<int:pk>/preview/", editor.preview, name="preview"),
    path("<int:pk>/person/", editor.preview_person, name="person"),
    path("<int:pk>/rename/", templates.template_rename, name="rename"),
    path("<int:pk>/duplicate/", templates.template_duplicate, name="duplicate"),
    path("<int:pk>/delete/", templates.template_delete, name="delete"),
    path("<int:pk>/publish/", editor.template_publish, name="publish"),
    path("images/", assets.image_library, name="images"),
    path("i/<str:name>", assets.image, name="image"),
    path("brands/", brands.brand_list, name="brands"),
    path("brands/new/", brands.brand_edit, name="brand_new"),
    path("brands/<int:pk>/", brands.brand_edit, name="brand_edit"),
]
