from django.contrib import admin
from django.urls import include, path

from shop.views import health

urlpatterns = [
    path("admin/", admin.site.urls),
    path("health", health, name="health"),
    path("orders/", include("orders.urls")),
]
